"""The routes."""

from checks.views import health
from django.urls import path

urlpatterns = [path("health/dcs", health)]
