"""Settings: environment variables `ATLAS_*`, secret files, `.env`, `atlas.toml`.

To add one: a field with a default and a docstring in the group it belongs to (`places`, `crawling`,
`keeping`, `running`), then `python -m atlas.settings.reference`, which writes `.env.example`, the
tables of docs/settings.md and docs/atlas.toml from it.
"""

from atlas.settings.model import Settings
from atlas.settings.problems import SettingsError

__all__ = ["Settings", "SettingsError"]
