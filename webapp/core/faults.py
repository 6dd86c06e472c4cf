"""What went wrong, told apart by who can mend it."""


class UserFault(Exception):
    """Something its user can mend. Both sentences are shown as they are, so they are translated where it is raised.

    `message` names cause and place (file, row, field); `remedy` says what to do; `code` is stable, for programs;
    `field` is the form or API field that it belongs to.
    """

    def __init__(self, message: str, *, remedy: str = "", code: str = "user_fault", field: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy, self.code, self.field = message, remedy, code, field

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
