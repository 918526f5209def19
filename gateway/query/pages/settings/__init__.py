"""The pages of settings (pages.md, "Settings"), in the order in which they are listed beside each other."""

from gateway.query.pages.page import Page
from gateway.query.pages.settings.alerts import ALERTS
from gateway.query.pages.settings.audit import AUDIT
from gateway.query.pages.settings.drain import DRAIN
from gateway.query.pages.settings.keys import KEYS
from gateway.query.pages.settings.members import MEMBERS
from gateway.query.pages.settings.project import PROJECT
from gateway.query.pages.settings.sourcemaps import SOURCEMAPS
from gateway.query.pages.settings.views import VIEWS

SETTINGS: tuple[Page, ...] = (KEYS, MEMBERS, VIEWS, ALERTS, SOURCEMAPS, DRAIN, PROJECT, AUDIT)
