"""HTTP with a provider: one exchange, what its answer or its breaking off means, whether the
request that dials has left, and the base class of adapters that speak to one API.
"""
