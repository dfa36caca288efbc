"""Lists by page, as contacts and appointments have them."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

PAGE, MOST = 20, 100
PageNumber = Annotated[int, Query(ge=1, le=10**6)]
Limit = Annotated[int, Query(ge=1, description="At most 100 are given.")]


class Pagination(BaseModel):
    page: int
    limit: int
    total: int
    pages: int

    @classmethod
    def of(cls, page: int, limit: int, total: int) -> "Pagination":
        return cls(page=page, limit=limit, total=total, pages=-(-total // limit))
