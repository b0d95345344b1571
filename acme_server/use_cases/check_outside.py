"""What `keiyaku check` finds wrong with those outside who must see what is issued: CT logs, perspectives."""

from datetime import datetime, timedelta

from acme_server.config import Settings
from acme_server.use_cases.fault import Fault
from acme_server.use_cases.log_list import lists_here, unseen_key
from acme_server.validation.corroboration import remotes_needed
from ca.ct_logs import enough, needed
from ca.ct_publisher import PublisherUnfit
from ca.profiles import PROFILES, lifetime
from sql import Conn

PERSPECTIVES_AHEAD = timedelta(days=30)


async def transparency(settings: Settings, conn: Conn, now: datetime) -> list[Fault]:
    """Where certificates need SCTs: the list of logs is its publisher's and fresh (C-130), and enough logs take each
    profile's.
    """
    if not settings.ct.required:
        return []
    faults = []
    if unseen := unseen_key(settings):
        what = f"the signature of the list of logs was not looked at: this machine has no folder {unseen.parent}"
        faults.append(Fault("transparency", what, "put the publisher's public key there, or look where it is"))
    try:
        lists = lists_here(settings)
    except PublisherUnfit as fault:
        do = "put the publisher's public key there: without it no process that needs SCTs starts"
        return [Fault("transparency", str(fault), do)]
    newest = await lists.refresh(conn)
    do = "find out who changed ca.log_lists, and delete that row as the owner of the database"
    faults += [Fault("transparency", f"not believed: {reason}", do) for reason in lists.refused]
    if newest is None:
        do = "run `keiyaku work`; its log says why log_list_not_read"
        return [*faults, Fault("transparency", "there is no list of logs: nothing is issued", do)]
    if (age := now - newest.logs.listed_at) > settings.ct.list_age:
        what = f"the list of logs is of {newest.logs.listed_at:%Y-%m-%d}, {age.days} days old"
        faults.append(Fault("transparency", what, "renew the file of ct.log_list, or see why log_list_not_read"))
    for profile in (PROFILES[name] for name in settings.ca.profiles):
        end = now + lifetime(profile, now)
        if not enough([log for log in newest.logs.logs if log.takes(end, now)], needed(now, end)):
            what = f"too few logs take certificates of profile {profile.name} (until {end:%Y-%m-%d})"
            faults.append(Fault("transparency", what, "wait for logs of that shard, or name another list"))
    return faults


async def perspectives(settings: Settings, _conn: Conn, now: datetime) -> list[Fault]:
    """As many other places of the network may be asked as must take part in a month (C-053)."""
    named, needed = len(settings.mpic.perspectives), remotes_needed(now + PERSPECTIVES_AHEAD)
    if settings.mpic.url is None or named >= needed:
        return []
    what = f"{named} perspectives are named, {needed} must take part by {now + PERSPECTIVES_AHEAD:%Y-%m-%d}"
    return [Fault("perspectives", what, "name more in mpic.perspectives: with fewer, nothing is validated")]
