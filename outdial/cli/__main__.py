"""`python -m outdial.cli`: the same as `outdial`."""

from outdial.cli.main import app

if __name__ == "__main__":
    app(prog_name="outdial")
