"""Settings: environment variables `ATLAS_*`, secret files, `.env`, `atlas.toml`.

To add one: a field with a default and a docstring in its group (`groups`), then
`python -m atlas.settings.reference`, which writes `.env.example`, docs/atlas.toml and the tables of
docs/settings.md from it.
"""

from atlas.settings.model import Settings
from atlas.settings.problems import SettingsError

__all__ = ["Settings", "SettingsError"]
