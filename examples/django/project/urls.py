"""Where the views are."""

from checks.views import health
from django.urls import path

urlpatterns = [path("health/dcs", health)]
