"""Deduplication: checks of the evidence, groups and their marks, the report."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import TYPE_CHECKING

from temporalio import activity

from activities.manifests import write_lines
from atlas.contracts.deduplicate_documents import (
    MAX_GROUPS_LISTED,
    MAX_MEMBERS_LISTED,
    CheckPart,
    DecideGroups,
    DescribeScope,
    ForgetGroups,
    Group,
    GroupMember,
    GroupsReported,
    PartDone,
    ReportGroups,
    ScopeDescribed,
)
from atlas.contracts.processing import JSON_LINES

if TYPE_CHECKING:
    from atlas.stores.blobs.port import Blobs
    from atlas.stores.postgres.crawl.bodies.artifacts import Artifacts
    from atlas.stores.postgres.near_duplicates.marks import Finding
    from atlas.stores.postgres.services.deduplication import Deduplication

_LISTED_BYTES = 40_000
"""Of groups in a result: payloads stay below 64 KiB."""


class Deduplicating:
    """Everything that `deduplicate_documents` does."""

    def __init__(self, store: Deduplication, blobs: Blobs, outcomes: Artifacts) -> None:
        self._store = store
        self._blobs = blobs
        self._outcomes = outcomes

    @activity.defn
    async def describe_scope(self, request: DescribeScope) -> ScopeDescribed:
        """Count what is to be compared; refuse a source that is not declared."""
        return await self._store.describe(request.sources)

    @activity.defn
    async def check_part(self, request: CheckPart) -> PartDone:
        """Check the next texts, buckets or clusters; repair them if asked to."""
        return await self._store.check(request)

    @activity.defn
    async def decide_groups(self, request: DecideGroups) -> PartDone:
        """Find the groups of the next clusters; mark their duplicates if asked to."""
        return await self._store.decide(request)

    @activity.defn
    async def report_groups(self, request: ReportGroups) -> GroupsReported:
        """Write the manifest of all groups; return the counts and the largest groups."""
        if request.apply and request.complete:
            await self._store.take_off_rest(request.run_id, request.sources)
        return GroupsReported(
            manifest=await self._write_manifest(request.run_id),
            counts=await self._store.counts(request.run_id, request.sources),
            groups=await self._largest(request.run_id),
        )

    @activity.defn
    async def forget_groups(self, request: ForgetGroups) -> None:
        """Delete what a run noted for its report."""
        await self._store.forget(request.run_id)

    async def _write_manifest(self, run_id: str) -> str:
        async with aclosing(self._store.findings(run_id)) as findings:
            lines = (_line(finding) async for finding in findings)
            digest = await write_lines(self._blobs, lines, self._outcomes.announce)
        await self._outcomes.keep(run_id, digest, JSON_LINES)
        return digest

    async def _largest(self, run_id: str) -> list[Group]:
        groups: list[Group] = []
        room = _LISTED_BYTES
        async with aclosing(self._store.findings(run_id, limit=MAX_GROUPS_LISTED)) as findings:
            async for finding in findings:
                group = _group(finding)
                room -= len(group.model_dump_json())
                if room < 0:
                    break
                groups.append(group)
        return groups


def _line(finding: Finding) -> bytes:
    line = {
        "winner": finding.url,
        "kind": finding.kind,
        "pages": finding.pages,
        "texts": finding.texts,
        "members": finding.members,
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _group(finding: Finding) -> Group:
    members = finding.members[:MAX_MEMBERS_LISTED]
    return Group.model_validate(
        {
            "winner": finding.url,
            "kind": finding.kind,
            "pages": finding.pages,
            "texts": finding.texts,
            "members": [GroupMember.model_validate(member) for member in members],
        }
    )
