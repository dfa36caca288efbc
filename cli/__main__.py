"""`python -m cli`: the same as `outdial`."""

from cli.main import app

if __name__ == "__main__":
    app(prog_name="outdial")
