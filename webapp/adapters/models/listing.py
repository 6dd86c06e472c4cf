from django.conf import settings
from django.db import models

from webapp.accounts.models import Team
from webapp.adapters.models.catalog import Adapter, AdapterVersion, Stage, Task
from webapp.basemodels.models import PretrainedModel

UNMEASURED = -1e9  # where a gain stands that nobody measured: after every gain that was


class Tag(models.Model):
    """A word that people put on an adapter to find it by."""

    adapter = models.ForeignKey(Adapter, on_delete=models.CASCADE, related_name="tags")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["adapter", "name"], name="one_tag_of_a_name")]
        indexes = [models.Index(fields=["team", "name", "adapter"], name="tag_finds_adapters")]

    def __str__(self) -> str:
        return self.name


class Listing(models.Model):
    """A live adapter as the catalog shows, filters and sorts it, in one row.

    It only repeats what stands elsewhere, so that a list of 100,000 costs what a list of ten costs. The action
    `relist` writes it; `manage.py reindex` writes all of them anew. On PostgreSQL the table has one column more,
    `document`, which only webapp/adapters/search.py reads and writes.
    """

    adapter = models.OneToOneField(Adapter, on_delete=models.CASCADE, primary_key=True, related_name="listing")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.ForeignKey(AdapterVersion, on_delete=models.CASCADE, related_name="+", help_text="the newest")
    sort_name = models.CharField(max_length=240, help_text="the name without case and accents")
    stage = models.CharField(max_length=12, choices=Stage.choices, help_text="of the newest version")
    production = models.IntegerField(null=True, blank=True, help_text="number of the version in production")
    candidate = models.IntegerField(null=True, blank=True, help_text="number of the candidate")
    base_model = models.ForeignKey(PretrainedModel, on_delete=models.CASCADE, related_name="+", db_index=False)
    task = models.CharField(max_length=16, choices=Task.choices, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    tags = models.JSONField(default=list, blank=True, help_text="names, in order")
    loss = models.FloatField(null=True, blank=True, help_text="held-out loss of the newest version")
    base_loss = models.FloatField(null=True, blank=True)
    gain = models.FloatField(default=UNMEASURED, help_text="by which share the loss is below the base's")

    class Meta:
        indexes = [
            models.Index(fields=["team", "version"], name="listing_by_age"),
            models.Index(fields=["team", "sort_name", "adapter"], name="listing_by_name"),
            models.Index(fields=["team", "gain", "adapter"], name="listing_by_gain"),
            models.Index(fields=["team", "base_model", "version"], name="listing_of_base"),
            models.Index(fields=["team", "owner", "version"], name="listing_of_owner"),
            models.Index(fields=["team", "task", "version"], name="listing_of_task"),
            models.Index(fields=["team", "licence", "version"], name="listing_of_licence"),
            models.Index(fields=["team", "stage", "version"], name="listing_of_stage"),
            models.Index(
                fields=["team", "version"],
                name="listing_in_production",
                condition=models.Q(production__isnull=False),
            ),
            models.Index(
                fields=["team", "version"],
                name="listing_of_candidates",
                condition=models.Q(candidate__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.sort_name


class Facet(models.Model):
    """How many adapters of a team have a value in their listing, counted as listings change."""

    class Kind(models.IntegerChoices):
        """In the order in which a page reads them; tags, which may be many, come last."""

        ALL = 0
        STAGE = 1
        TASK = 2
        LICENCE = 3
        BASE = 4
        OWNER = 5
        TAG = 6

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.SmallIntegerField(choices=Kind.choices)
    value = models.CharField(max_length=200, help_text="what a filter is given; a public id for bases and owners")
    base_model = models.ForeignKey(PretrainedModel, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    count = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "kind", "value"], name="one_facet_per_value")]
        indexes = [models.Index(fields=["team", "kind", "-count"], name="facet_by_count")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.value}: {self.count}"
