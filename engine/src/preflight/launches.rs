//! What launches would meet: launch settings, templates, subnets, the vCPU quota, and the points in time they would use.
//!
//! What certainly does not fit is a problem, what may not fit a warning, each with its numbers. A call that cannot be made
//! is a finding like any other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::drive::Driver;
use crate::event::Mode;
use crate::ids::{ServerId, Target};
use crate::limits;
use crate::plan::DrillGuard;
use crate::ports::{CallError, Clock, Outside, RecoverySnapshot, is_standard};
use crate::readiness::{self, Answers, Launches, Named, guard};
use crate::store::items::Items;

use super::text::{self, launches as words};
use super::{Level, Preflight};

/// The servers of one target, and what was found there before.
pub(super) struct Place<'a> {
    pub(super) target: &'a Target,
    pub(super) servers: &'a [Named],
    /// Those that have an instance, which a launch replaces: its address and its vCPUs come back first.
    pub(super) replaced: BTreeSet<ServerId>,
    /// Calls that the caller has no right to.
    pub(super) denied: Vec<CallError>,
}

impl<'a> Place<'a> {
    pub(super) fn new(target: &'a Target, servers: &'a [Named]) -> Self {
        Self {
            target,
            servers,
            replaced: BTreeSet::new(),
            denied: Vec::new(),
        }
    }

    /// Says that something could not be read.
    pub(super) fn unreadable(
        &mut self,
        check: &'static str,
        level: Level,
        error: &CallError,
        found: &mut Preflight,
    ) {
        if error.is_denied() {
            self.denied.push(error.clone());
        }
        found.find(check, level, text::call(self.target, error));
    }
}

impl<D: Outside, I: Items + Clone, C: Clock> Driver<D, I, C> {
    /// Looks at everything that launches in one target would meet.
    pub(super) async fn look_at_launches(
        &self,
        place: &mut Place<'_>,
        guard: Option<&DrillGuard>,
        mode: Mode,
        found: &mut Preflight,
    ) {
        let launches = readiness::look(&self.drs, &self.clock, place.target, place.servers).await;
        settings(place, &launches, found);
        subnets(place, &launches, found);
        if let Some(guard) = guard {
            drill_guard(place, &launches, guard, mode, found);
        }
        self.look_at_vcpus(place, &launches, found).await;
        let target = place.target;
        let points = readiness::of_each(&self.clock, place.servers, |id| {
            self.drs.recovery_snapshots(target, id)
        });
        let points = points.await;
        look_at_points(place, points, self.clock.now().world, found);
        let (level, text) = words::permissions(place.target, &place.denied);
        found.find("permissions", level, text);
    }

    async fn look_at_vcpus(
        &self,
        place: &mut Place<'_>,
        launches: &Launches,
        found: &mut Preflight,
    ) {
        const CHECK: &str = "vCPUs";
        let by_server = types(launches);
        let names: BTreeSet<String> = by_server.values().cloned().collect();
        let vcpus = match self.drs.vcpus_of(place.target, &names).await {
            Ok(vcpus) => vcpus,
            Err(error) => return place.unreadable(CHECK, Level::Problem, &error, found),
        };
        let running = match self.drs.vcpus_running(place.target).await {
            Ok(running) => running,
            Err(error) => return place.unreadable(CHECK, Level::Problem, &error, found),
        };
        let quota = match self.drs.vcpu_quota(place.target).await {
            Ok(quota) => quota,
            Err(error) => return place.unreadable(CHECK, Level::Warning, &error, found),
        };
        let missing: BTreeSet<&String> = names
            .iter()
            .filter(|name| !vcpus.contains_key(*name))
            .collect();
        if !missing.is_empty() {
            let text = words::no_such_types(place.target, &missing);
            found.find(CHECK, Level::Problem, text);
        }
        let mut need = Need::default();
        let mut uncounted = place.servers.len() - by_server.len();
        for (id, name) in &by_server {
            match vcpus.get(name).filter(|_| is_standard(name)) {
                Some(count) => need.add(u64::from(*count), place.replaced.contains(*id)),
                None => uncounted += 1,
            }
        }
        let free = quota.saturating_sub(running);
        let level = need.level(u64::from(free));
        let text = words::vcpus(place.target, &need, (free, quota), uncounted);
        found.find(CHECK, level, text);
    }
}

/// How much launches need of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    /// In all.
    pub(super) all: u64,
    /// Of it, what instances have that go first.
    pub(super) comes_back: u64,
}

impl Need {
    fn add(&mut self, amount: u64, comes_back: bool) {
        self.all += amount;
        if comes_back {
            self.comes_back += amount;
        }
    }

    /// What it means that so much is free.
    pub(super) fn level(&self, free: u64) -> Level {
        if self.all <= free {
            Level::Ready
        } else if self.all - self.comes_back <= free {
            Level::Warning
        } else {
            Level::Problem
        }
    }
}

/// Servers whose launches are not like the others, or cannot be read.
fn settings(place: &mut Place<'_>, launches: &Launches, found: &mut Preflight) {
    const CHECK: &str = "launch settings";
    if let Some(error) = &launches.error {
        place.unreadable(CHECK, Level::Problem, error, found);
    } else if launches.read.len() < launches.count {
        let text = words::cut(place.target, launches.read.len(), launches.count);
        found.find(CHECK, Level::Warning, text);
    }
    if let Err(error) = &launches.templates {
        place.unreadable("launch templates", Level::Problem, error, found);
    }
    let templates = launches.templates.as_ref().ok();
    let (mut stopped, mut into, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    for ((id, hostname), settings) in &launches.read {
        if settings.stopped {
            stopped.push(hostname.clone());
        }
        if let Some(instance) = &settings.into_instance {
            into.push(format!("{hostname} ({id}) into {instance}"));
        } else if let Some(templates) = templates {
            match &settings.template {
                None => lost.push(format!("{hostname} ({id})")),
                Some(name) if !templates.contains_key(name) => {
                    lost.push(format!("{hostname} ({name})"));
                }
                Some(_) => {}
            }
        }
    }
    for (level, text) in words::settings(place.target, &stopped, &into, &lost) {
        found.find(CHECK, level, text);
    }
    let all_read = launches.error.is_none() && launches.read.len() == launches.count;
    if all_read && templates.is_some() && stopped.is_empty() && into.is_empty() && lost.is_empty() {
        let text = words::all_settings(place.target, launches.count);
        found.find(CHECK, Level::Ready, text);
    }
}

/// Free addresses, subnet by subnet; and templates that name none.
fn subnets(place: &mut Place<'_>, launches: &Launches, found: &mut Preflight) {
    const CHECK: &str = "subnets";
    let Ok(templates) = &launches.templates else {
        return;
    };
    let known = match &launches.subnets {
        Ok(known) => known,
        Err(error) => return place.unreadable(CHECK, Level::Problem, error, found),
    };
    let mut open = Vec::new();
    let mut needs: BTreeMap<&String, (Need, Vec<String>)> = BTreeMap::new();
    for ((id, hostname), settings) in &launches.read {
        let name = settings.template.as_ref();
        let is_new = settings.into_instance.is_none();
        let Some(template) = name.and_then(|name| templates.get(name)).filter(|_| is_new) else {
            continue;
        };
        if template.leaves_subnet_open {
            open.push(hostname.clone());
        }
        for subnet in &template.subnets {
            let (need, servers) = needs.entry(subnet).or_default();
            need.add(1, place.replaced.contains(id));
            servers.push(hostname.clone());
        }
    }
    if !open.is_empty() {
        let text = words::open_subnets(place.target, &open);
        found.find(CHECK, Level::Warning, text);
    }
    for (subnet, (need, servers)) in needs {
        match known.get(subnet) {
            None => {
                let text = words::no_such_subnet(place.target, subnet, &servers);
                found.find(CHECK, Level::Problem, text);
            }
            Some(known) => {
                let free = known.free_addresses;
                let level = need.level(u64::from(free));
                let text = words::addresses(place.target, subnet, free, &need);
                found.find(CHECK, level, text);
            }
        }
    }
}

fn drill_guard(
    place: &Place<'_>,
    launches: &Launches,
    guard: &DrillGuard,
    mode: Mode,
    found: &mut Preflight,
) {
    const CHECK: &str = "drill guard";
    if mode == Mode::Recovery {
        let text = words::not_guarded(place.target);
        return found.find(CHECK, Level::Ready, text);
    }
    match guard::judge(guard, place.target, launches) {
        Ok(subnets) => {
            let text = words::guarded(place.target, guard, &subnets);
            found.find(CHECK, Level::Ready, text);
        }
        Err(reasons) => {
            for reason in reasons {
                found.find(CHECK, Level::Problem, reason.to_string());
            }
        }
    }
}

/// The instance types that templates name, server by server.
fn types(launches: &Launches) -> BTreeMap<&ServerId, String> {
    let templates = launches.templates.as_ref().ok();
    let named = launches.read.iter().filter_map(|((id, _), settings)| {
        let template = templates?.get(settings.template.as_ref()?)?;
        Some((id, template.instance_type.clone()?))
    });
    named.collect()
}

/// How old the newest point in time of each server is.
pub(super) fn look_at_points(
    place: &mut Place<'_>,
    points: Answers<Vec<RecoverySnapshot>>,
    now: Timestamp,
    found: &mut Preflight,
) {
    const CHECK: &str = "points in time";
    let (read, count) = (points.read.len(), place.servers.len());
    let mut none = Vec::new();
    let mut ages: Vec<(SignedDuration, String)> = Vec::new();
    for ((id, hostname), kept) in points.read {
        // One that is being taken has no time yet.
        match kept.iter().filter_map(|point| point.taken_at).max() {
            None => none.push(format!("{hostname} ({id})")),
            Some(at) => ages.push((now.duration_since(at), hostname)),
        }
    }
    if let Some(error) = &points.error {
        place.unreadable(CHECK, Level::Warning, error, found);
    } else if read < count {
        let text = words::points_cut(place.target, read, count);
        found.find(CHECK, Level::Warning, text);
    }
    if !none.is_empty() {
        found.find(CHECK, Level::Problem, words::no_point(place.target, &none));
    }
    ages.sort();
    let old = ages.partition_point(|(age, _)| *age <= limits::POINT_AGE);
    if old < ages.len() {
        let text = words::old_points(place.target, &ages[old..]);
        found.find(CHECK, Level::Warning, text);
    } else if let Some((oldest, _)) = ages.last()
        && none.is_empty()
        && read == count
    {
        let text = words::fresh_points(place.target, count, *oldest);
        found.find(CHECK, Level::Ready, text);
    }
}
