"""Where the pages are."""

from fastapi import APIRouter

router = APIRouter()
