import os
from pathlib import Path

from django.conf import settings

from webapp.accounts.models import Membership


def test_each_person_of_the_cast_has_their_role(team, owner, maintainer, trainer, reviewer, viewer, stranger):
    cast = {owner: "owner", maintainer: "maintainer", trainer: "trainer", reviewer: "reviewer", viewer: "viewer"}
    assert {m.user: m.role for m in Membership.objects.filter(team=team)} == cast
    assert not stranger.memberships.filter(team=team).exists()


def test_tests_never_write_into_a_real_state_folder(files_dir: Path):
    assert "tunesmith-test-" in str(settings.STATE_DIR)
    assert os.environ["TUNESMITH_STATE"] == str(settings.STATE_DIR)
    assert not files_dir.is_relative_to(settings.BASE_DIR)
