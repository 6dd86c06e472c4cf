from django.db import migrations

from webapp.runs import presets


def add(apps, schema_editor):
    Recipe = apps.get_model("runs", "Recipe")
    for preset in presets.PRESETS:
        facts = {"description": preset.description, "config": preset.config, "public_id": preset.public_id}
        Recipe.objects.update_or_create(team=None, name=preset.name, defaults=facts)


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
