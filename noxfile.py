"""Other versions than those of CI: ``nox`` runs the tests on each supported Python, and on the lowest versions of every dependency."""

import nox

nox.options.default_venv_backend = "venv"


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The newest versions that the bounds allow."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The lower bounds of pyproject.toml, as written."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    session.install("-e", ".[test]", *(text.replace(">=", "==") + ".*" for text in project["dependencies"]))
    session.run("pytest", "-W", "default", *session.posargs)  # old libraries warn about each other
