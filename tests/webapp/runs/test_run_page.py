import datetime as dt
import json
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.artifacts.models import Bundle
from webapp.jobs.models import Attempt, AttemptLog, Job, JobEvent, State
from webapp.runs import actions, estimate, present, progress
from webapp.runs.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(team, trainer, make_run):
    run = make_run(
        team=team,
        created_by=trainer,
        job={"step": 50, "total_steps": 100, "phase": "training", "started_at": timezone.now()},
        estimate={"seconds": 600.0, "steps": 100, "memory_bytes": 2**31},
    )
    points = [
        (
            step,
            {
                "loss": 2.4 - step / 50,
                "elapsed_seconds": 6.0 * step,
                "tokens_per_second": 640.0,
                "memory_bytes": 3.0 * 2**30,
            },
            {},
        )
        for step in range(1, 51)
    ]
    actions.append_metrics(run=run, attempt=1, points=points)
    actions.append_metrics(
        run=run, attempt=1, points=[(0, {"validation_loss": 2.4}, {}), (40, {"validation_loss": 1.5}, {})]
    )
    run.refresh_from_db()
    return run


@pytest.fixture
def look(run, team, client_as):
    def at(who, name="detail", **query):
        return client_as(who).get(reverse(f"runs:{name}", args=[team.slug, run.public_id]), query)

    return at


def text(response):
    return re.sub(r"[ \n]+", " ", response.content.decode())


def put(run, state, **fields):
    Job.objects.filter(pk=run.job_id).update(state=state, **fields)


def test_the_page_says_how_it_goes_how_far_it_is_and_when_it_is_done(look, viewer):
    body = text(look(viewer))
    assert "Learning well, and not yet repeating itself. <em>About 5 minutes left.</em>" in body
    assert "Step <b>50</b> of 100" in body
    assert "1.500" in body and "−0.900 since last check" in body  # validation
    assert ">640 <small>tokens/s" in body and ">3 <small>GB" in body
    assert "as expected" in body


def test_every_state_has_a_page(look, run, viewer):
    for state in State:
        put(run, state, fault="disk_full" if state == State.FAILED else "", finished_at=timezone.now())
        assert look(viewer).status_code == 200
        assert look(viewer, "status").status_code in {200, 286}


def test_a_run_that_waits_without_a_worker_says_what_to_do(look, run, viewer):
    put(run, State.QUEUED)
    body = text(look(viewer))
    assert "Waits, because <em>no worker is running.</em>" in body
    assert "Whoever runs this installation can start one" in body


def test_a_failed_run_says_what_happened_and_what_to_do(look, run, trainer):
    ended_at = timezone.now() - dt.timedelta(hours=23)
    put(run, State.FAILED, fault="loss_not_finite", fault_data={"step": 50}, checkpoint_step=40, finished_at=ended_at)
    body = text(look(trainer))
    assert "The training fell apart." in body and "learning rate a third as high" in body
    until = (ended_at + dt.timedelta(days=1)).isoformat(timespec="seconds")
    assert f'The checkpoint of step 40 is kept until <time datetime="{until}"' in body
    assert "Clone and change" in body and "goes on from there" not in body


def test_a_fault_that_may_pass_offers_to_try_again_from_the_checkpoint(look, run, trainer):
    put(run, State.FAILED, fault="disk_full", checkpoint_step=40)
    assert "“Try again” goes on from there." in text(look(trainer))


def test_checkpoints_that_are_gone_after_a_day_are_promised_no_longer(look, run, trainer):
    put(run, State.FAILED, fault="disk_full", checkpoint_step=40, finished_at=timezone.now() - dt.timedelta(hours=25))
    body = text(look(trainer))
    assert "are gone now. “Try again” begins anew." in body and "goes on from there" not in body


def test_a_checkpoint_in_storage_stays(look, run, trainer, team):
    put(run, State.FAILED, fault="disk_full", checkpoint_step=40, finished_at=timezone.now() - dt.timedelta(hours=25))
    bundle = Bundle.objects.create(team=team, kind="checkpoint", size_bytes=9)
    run.checkpoints.create(attempt=1, step=30, folder="step-30", size_bytes=9, bundle=bundle, created_at=timezone.now())
    body = text(look(trainer))
    assert "The checkpoint of step 30 is kept. “Try again” goes on from there." in body


def test_an_ended_run_promises_no_first_checkpoint_and_says_when_it_ended(look, run, trainer):
    assert "The first is written about a minute after" in text(look(trainer))
    put(run, State.CANCELLED, finished_at=timezone.now())
    Run.objects.update(last_values={})
    body = text(look(trainer))
    assert "None is left of this run." in body and "<span>ended <time" in body


def test_buttons_follow_the_state_and_the_person(look, run, trainer, viewer):
    def has(who, *words):
        body = text(look(who))
        return [word for word in words if word in body]

    assert has(trainer, "/pause/", "/stop/", "/resume/", "/cancel/", "/delete/") == ["/pause/", "/stop/", "/cancel/"]
    assert has(viewer, "/pause/", "/stop/", "/cancel/") == []
    assert "needs the role owner or maintainer" in text(look(viewer))
    put(run, State.PAUSED)
    assert has(trainer, "/pause/", "/resume/", "/stop/") == ["/resume/", "/stop/"]
    put(run, State.CANCELLED)
    assert has(trainer, "/retry/", "/delete/", "/cancel/", "/pause/") == ["/retry/", "/delete/"]


def test_a_poll_brings_the_moving_parts_and_announces_the_step(look, trainer):
    body = text(look(trainer))
    seen = re.search(r"status/\?seen=([\w.%]*)", body)[1]
    answer = look(trainer, "status", seen=seen)
    assert "HX-Trigger" not in answer.headers  # nothing moved
    assert 'id="run-gauge" hx-swap-oob="true"' in text(answer) and "<html" not in text(answer)
    assert "run-story" not in text(answer) and "head__actions" not in text(answer)


def test_a_moved_step_reaches_the_charts(look, run, trainer):
    seen = re.search(r"status/\?seen=([\w.%]*)", text(look(trainer)))[1]
    put(run, State.RUNNING, step=51)
    answer = look(trainer, "status", seen=seen)
    assert json.loads(answer.headers["HX-Trigger"]) == {"run:moved": {"step": 51}}
    assert "Step <b>51</b> of 100" in text(answer)


def test_something_new_in_the_story_and_another_state_are_brought_when_they_happen(look, run, trainer):
    seen = re.search(r"status/\?seen=([\w.%]*)", text(look(trainer)))[1]
    JobEvent.objects.create(job=run.job, at=timezone.now(), code="paused", data={"by": "Mara"})
    body = text(look(trainer, "status", seen=seen))
    assert "Mara paused it." in body and "head__actions" not in body
    put(run, State.PAUSED)
    body = text(look(trainer, "status", seen=seen))
    assert "head__actions" in body and "/resume/" in body


@pytest.mark.parametrize("seen", ["", "x", "a.b.c.d.e", "<script>", "running..999999.50"])
def test_a_browser_that_says_nonsense_gets_everything(look, trainer, seen):
    answer = look(trainer, "status", seen=seen)
    assert answer.status_code == 200 and "<script>" not in text(answer)


def test_polling_ends_with_the_run(look, run, viewer):
    put(run, State.SUCCEEDED)
    answer = look(viewer, "status")
    assert answer.status_code == 286
    assert "hx-trigger" not in text(answer)


def test_the_server_chooses_how_often_it_is_asked():
    job = Job(state=State.RUNNING)
    assert [present.interval_seconds(job, viewers) for viewers in (1, 21, 500)] == [2, 5, 10]
    assert present.interval_seconds(Job(state=State.QUEUED), 1) == 5
    assert present.interval_seconds(Job(state=State.PAUSED), 1) == 15
    assert present.interval_seconds(Job(state=State.FAILED), 1) == 0


def test_viewers_are_counted_once_each(run):
    now = timezone.now()
    assert [present.count_viewers(run, who, now) for who in (1, 1, 2, 3, 3)] == [1, 1, 2, 3, 3]


def test_the_curves_come_as_json_with_a_cursor(look, viewer):
    first = look(viewer, "metrics", names="loss,memory_gb").json()
    assert first["reset"] is True and len(first["series"]["loss"]["step"]) == 50
    assert set(first["series"]) == {"loss", "memory_gb"} and first["series"]["memory_gb"]["value"][0] == 3.0
    again = look(viewer, "metrics", names="loss,memory_gb", after=first["cursor"]).json()
    assert again["reset"] is False and again["series"]["loss"]["step"] == []
    assert first["total_steps"] == 100


def test_a_window_of_the_curves_comes_in_detail(look, viewer):
    part = look(viewer, "metrics", **{"names": "loss", "from": "10", "to": "12"}).json()
    assert part["series"]["loss"]["step"] == [10, 11, 12]


@pytest.mark.parametrize(
    "query", [{"after": "x" * 500}, {"points": "-1"}, {"points": "9" * 40}, {"from": "x", "names": "loss"}]
)
def test_odd_questions_about_the_curves_get_an_answer(look, viewer, query):
    assert look(viewer, "metrics", **query).status_code == 200


def test_the_log_is_shown_as_text(look, run, viewer):
    attempt = Attempt.objects.create(job=run.job, number=1, fence=1, started_at=timezone.now())
    AttemptLog.objects.create(attempt=attempt, text="<script>alert(1)</script>\nstep 1")
    body = text(look(viewer, "log"))
    assert "<script>alert" not in body and "&lt;script&gt;alert(1)" in body
    assert "Nothing was written yet" in text(look(viewer, "log", attempt="7"))


@pytest.mark.row("S19")
def test_hostile_names_and_events_come_out_as_text(look, run, viewer):
    Run.objects.update(name='<img src=x onerror="1">')
    JobEvent.objects.create(job=run.job, at=timezone.now(), code="<b>x</b>", data={})
    JobEvent.objects.create(job=run.job, at=timezone.now(), code="paused", data={"by": "<i>M</i>"})
    body = text(look(viewer))
    assert "<img src=x" not in body and "<b>x</b>" not in body and "<i>M</i>" not in body


def test_a_stranger_finds_nothing(look, stranger):
    for name in ("detail", "status", "metrics", "log"):
        assert look(stranger, name).status_code == 404


def test_a_deleted_run_has_no_page(look, viewer):
    Run.objects.update(deleted_at=timezone.now())
    assert look(viewer).status_code == 404


def test_a_press_of_a_button_is_done_at_once(run, team, trainer, client_as):
    client = client_as(trainer)
    answer = client.post(reverse("runs:pause", args=[team.slug, run.public_id]))
    assert answer.url == reverse("runs:detail", args=[team.slug, run.public_id])
    assert Job.objects.get().asked == "pause"
    assert client.get(reverse("runs:pause", args=[team.slug, run.public_id])).status_code == 405


def test_a_press_that_comes_too_late_is_said(run, team, trainer, client_as):
    put(run, State.SUCCEEDED)
    client = client_as(trainer)
    answer = client.post(reverse("runs:pause", args=[team.slug, run.public_id]), follow=True)
    assert "This has ended already" in text(answer)


def test_cancelling_asks_first(run, team, trainer, client_as):
    client, url = client_as(trainer), reverse("runs:cancel", args=[team.slug, run.public_id])
    assert "Stop and keep" in text(client.get(url)) and Job.objects.get().asked == ""
    client.post(url)
    assert Job.objects.get().asked == "cancel"


def test_deleting_offers_to_undo(run, team, trainer, client_as):
    put(run, State.CANCELLED)
    client = client_as(trainer)
    answer = client.post(reverse("runs:delete", args=[team.slug, run.public_id]), follow=True)
    undo = reverse("runs:restore", args=[team.slug, run.public_id])
    assert undo in text(answer) and not Run.objects.live().exists()
    client.post(undo)
    assert Run.objects.live().exists()


def test_a_viewer_steers_nothing(run, team, viewer, client_as):
    client = client_as(viewer)
    for name in ("pause", "resume", "stop", "retry", "cancel", "delete", "restore", "rename"):
        assert client.post(reverse(f"runs:{name}", args=[team.slug, run.public_id])).status_code == 403
    assert Job.objects.get().asked == ""


def test_the_list_shows_each_run_with_its_state_and_can_be_narrowed(run, team, viewer, client_as, make_run, other_team):
    make_run(team=team, name="waiting one", state=State.QUEUED, dataset_version=run.dataset_version)
    make_run(team=other_team, name="theirs")
    client, url = client_as(viewer), reverse("runs:list", args=[team.slug])
    body = text(client.get(url))
    assert "One run is training,</em> one waiting." in body and "theirs" not in body
    assert "waiting one" in body and "bike-messages" in body
    narrowed = text(client.get(url, {"state": "waiting"}))
    assert "waiting one" in narrowed and "bike-messages" not in narrowed
    assert "No run is in this state." in text(client.get(url, {"state": "failed"}))
    assert client.get(url, {"state": "nonsense"}).status_code == 200


def test_a_long_list_goes_on_by_cursor(run, team, viewer, client_as, make_run):
    for number in range(31):
        make_run(team=team, name=f"run {number}", dataset_version=run.dataset_version)
    client, url = client_as(viewer), reverse("runs:list", args=[team.slug])
    first = text(client.get(url))
    cursor = re.search(r"after=(run_\w+)", first)[1]
    assert "run 30" in first and "bike-messages" not in first
    assert "bike-messages" in text(client.get(url, {"after": cursor}))


def test_before_the_first_run_the_list_says_what_a_run_is(team, viewer, client_as):
    assert "Here you will see each training" in text(client_as(viewer).get(reverse("runs:list", args=[team.slug])))


def test_the_pace_is_compared_without_the_time_of_starting(run) -> None:
    """The estimate counts the start of the program, the pace of the steps does not."""
    run.estimate = {"seconds": estimate.START_SECONDS + 100.0, "steps": 100}
    run.last_values = {"elapsed_seconds": 50.0}
    assert speed_note(run) == "as expected"
    run.last_values = {"elapsed_seconds": 25.0}
    assert speed_note(run).replace("\xa0", " ") == "100 % faster than expected"


def speed_note(run: Run) -> str:
    notes = {stat.key: stat.note for stat in present.stats(run, present.Course(losses=[], checks=[]))}
    return notes["speed"]


def test_time_that_a_run_took_counts_the_measurement_after_the_last_step(run) -> None:
    run.last_values, run.result = {"elapsed_seconds": 63.8}, {"seconds": 76.9}
    assert progress.seconds_done(run) == 76.9


def test_time_said_before_and_taken_are_of_the_same_kind(look, run, viewer) -> None:
    """Both from the claim to the end, with all that an interruption cost, and without the wait between."""
    began = timezone.now() - dt.timedelta(hours=2)
    for number, minutes in enumerate((4, 7), start=1):
        at = began + dt.timedelta(hours=number)
        run.job.attempts.create(number=number, fence=number, started_at=at, ended_at=at + dt.timedelta(minutes=minutes))
    put(run, State.SUCCEEDED, finished_at=timezone.now())
    assert "said before: 10 min, took 11 min" in look(viewer).content.decode().replace("\xa0", " ")


def test_passes_are_those_that_will_be_made(look, run, viewer) -> None:
    """The engine trains 80 of the rows, so a pass has 5 steps; the most steps of the setting end it after 2 passes."""
    run.config |= {"max_steps": 10, "num_train_epochs": 3.0, "batch_size": 16}
    run.planned, run.last_values = {"train_rows": 80}, run.last_values | {"epoch": 1.6}
    run.save()
    put(run, State.RUNNING, step=8, total_steps=10)
    assert "pass 1.6 of 2" in text(look(viewer))
    assert 'data-steps-per-epoch="5"' in text(look(viewer))
