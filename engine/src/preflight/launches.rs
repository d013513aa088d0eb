//! What launches would meet: launch settings, templates, subnets, the vCPU quota, and the points in time they would use.
//!
//! What certainly does not fit is a problem, what may not fit a warning, each with its numbers. A call that cannot be made
//! is a finding like any other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::drive::Driver;
use crate::event::Mode;
use crate::ids::{PlanId, ServerId, Target};
use crate::limits;
use crate::plan::DrillGuard;
use crate::ports::{CallError, Clock, Outside, RecoverySnapshot, is_standard};
use crate::readiness::guard::{self, Reason};
use crate::readiness::{self, Answers, Launches, Named};
use crate::report::duration;
use crate::store::items::Items;

use super::finding::Roster;
use super::text::{self, launches as words};
use super::{Finding, Level, Preflight, commands, ids_of};

/// The servers of one target, and what was found there before.
pub(super) struct Place<'a> {
    pub(super) plan: &'a PlanId,
    pub(super) roster: &'a Roster,
    pub(super) target: &'a Target,
    pub(super) servers: &'a [Named],
    /// Those that have an instance, which a launch replaces: its address and its vCPUs come back first.
    pub(super) replaced: BTreeSet<ServerId>,
    /// Calls that the caller has no right to.
    pub(super) denied: Vec<CallError>,
}

impl<'a> Place<'a> {
    pub(super) fn new(
        plan: &'a PlanId,
        roster: &'a Roster,
        target: &'a Target,
        servers: &'a [Named],
    ) -> Self {
        Self {
            plan,
            roster,
            target,
            servers,
            replaced: BTreeSet::new(),
            denied: Vec::new(),
        }
    }

    /// A finding about the target.
    pub(super) fn finding(
        &self,
        check: &'static str,
        level: Level,
        text: impl Into<String>,
    ) -> Finding {
        Finding::new(check, level, text).at(self.target)
    }

    /// The servers that are not among these: what is known of some is not known of them.
    fn others<'b, T>(&'b self, read: &'b [(Named, T)]) -> impl Iterator<Item = &'b ServerId> {
        let read: BTreeSet<&ServerId> = read.iter().map(|((id, _), _)| id).collect();
        ids_of(self.servers).filter(move |id| !read.contains(id))
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
        let finding = self.finding(check, level, text::call(self.target, error));
        found.add(finding.help(commands::after(self.target, error)));
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
        let help = (level != Level::Ready).then(|| commands::permissions(place.target));
        found.add(place.finding("permissions", level, text).help(help));
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
            let of_them = by_server.iter().filter(|(_, name)| missing.contains(name));
            let finding = place.finding(CHECK, Level::Problem, text);
            let finding = finding.of(place.roster, of_them.map(|(id, _)| *id));
            found.add(finding.help(commands::instance_types(place.target)));
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
        let enough = u64::from(running) + need.all - need.comes_back;
        let help = (level == Level::Problem).then(|| commands::more_vcpus(place.target, enough));
        found.add(place.finding(CHECK, level, text).help(help));
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
    let all_read = launches.error.is_none() && launches.read.len() == launches.count;
    if let Some(error) = &launches.error {
        place.unreadable(CHECK, Level::Problem, error, found);
    } else if !all_read {
        let text = words::cut(place.target, launches.read.len(), launches.count);
        let finding = place.finding(CHECK, Level::Warning, text);
        found.add(finding.of(place.roster, place.others(&launches.read)));
    }
    if let Err(error) = &launches.templates {
        place.unreadable("launch templates", Level::Problem, error, found);
    }
    let templates = launches.templates.as_ref().ok();
    let (mut stopped, mut into, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    for ((id, hostname), settings) in &launches.read {
        if settings.stopped {
            stopped.push((id.clone(), hostname.clone()));
        }
        if let Some(instance) = &settings.into_instance {
            into.push((id.clone(), format!("{hostname} ({id}) into {instance}")));
        } else if let Some(templates) = templates {
            match &settings.template {
                None => lost.push((id.clone(), format!("{hostname} ({id})"))),
                Some(name) if !templates.contains_key(name) => {
                    lost.push((id.clone(), format!("{hostname} ({name})")));
                }
                Some(_) => {}
            }
        }
    }
    let is_well = stopped.is_empty() && into.is_empty() && lost.is_empty();
    if all_read && templates.is_some() && is_well {
        let text = words::all_settings(place.target, launches.count);
        found.add(place.finding(CHECK, Level::Ready, text));
    }
    let mut add = |level, servers: &[Named], words: fn(&Target, &[Named]) -> String| {
        if !servers.is_empty() {
            let finding = place.finding(CHECK, level, words(place.target, servers));
            let finding = finding.of(place.roster, ids_of(servers));
            found.add(finding.help(commands::launch_settings(place.target, ids_of(servers))));
        }
    };
    add(Level::Warning, &stopped, words::stopped);
    add(Level::Warning, &into, words::into_instances);
    add(Level::Problem, &lost, words::no_template);
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
    let mut open: Vec<Named> = Vec::new();
    let mut needs: BTreeMap<&String, (Need, Vec<Named>)> = BTreeMap::new();
    for (server, settings) in &launches.read {
        let name = settings.template.as_ref();
        let is_new = settings.into_instance.is_none();
        let Some(template) = name.and_then(|name| templates.get(name)).filter(|_| is_new) else {
            continue;
        };
        if template.leaves_subnet_open {
            open.push(server.clone());
        }
        for subnet in &template.subnets {
            let (need, servers) = needs.entry(subnet).or_default();
            need.add(1, place.replaced.contains(&server.0));
            servers.push(server.clone());
        }
    }
    let mut add = |level, text, servers: &[Named]| {
        let finding = place.finding(CHECK, level, text);
        found.add(if level == Level::Ready {
            finding
        } else {
            let finding = finding.of(place.roster, ids_of(servers));
            finding.help(commands::subnets(place.target, None))
        });
    };
    if !open.is_empty() {
        let text = words::open_subnets(place.target, &open);
        add(Level::Warning, text, &open);
    }
    for (subnet, (need, servers)) in needs {
        match known.get(subnet) {
            None => {
                let text = words::no_such_subnet(place.target, subnet, &servers);
                add(Level::Problem, text, &servers);
            }
            Some(known) => {
                let free = known.free_addresses;
                let text = words::addresses(place.target, subnet, free, &need);
                add(need.level(u64::from(free)), text, &servers);
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
        return found.add(place.finding(CHECK, Level::Ready, text));
    }
    match guard::judge(guard, place.target, launches) {
        Ok(subnets) => {
            let text = words::guarded(place.target, guard, &subnets);
            found.add(place.finding(CHECK, Level::Ready, text));
        }
        Err(reasons) => {
            for reason in reasons {
                let finding = place.finding(CHECK, Level::Problem, reason.to_string());
                let finding = finding.of(place.roster, ids_of(reason.servers()));
                found.add(finding.help(guard_help(place.target, guard, &reason)));
            }
        }
    }
}

/// What helps against the guard: the subnets that carry its tags, or the settings of a server that names none.
fn guard_help(target: &Target, guard: &DrillGuard, reason: &Reason) -> Option<String> {
    match reason {
        Reason::Unreadable { error, .. } => commands::after(target, error),
        Reason::Unfinished { .. } => None,
        Reason::NoTemplate { servers, .. } | Reason::IntoInstance { servers, .. } => {
            Some(commands::launch_settings(target, ids_of(servers)))
        }
        Reason::NoSubnet { .. } | Reason::SubnetMissing { .. } | Reason::TagsMissing { .. } => {
            Some(commands::subnets(target, Some(guard)))
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
    if let Some(error) = &points.error {
        place.unreadable(CHECK, Level::Warning, error, found);
    } else if read < count {
        let text = words::points_cut(place.target, read, count);
        let finding = place.finding(CHECK, Level::Warning, text);
        found.add(finding.of(place.roster, place.others(&points.read)));
    }
    let mut none: Vec<Named> = Vec::new();
    let mut ages: Vec<(SignedDuration, Named)> = Vec::new();
    for (server, kept) in points.read {
        // One that is being taken has no time yet.
        match kept.iter().filter_map(|point| point.taken_at).max() {
            None => {
                let told = format!("{} ({})", server.1, server.0);
                none.push((server.0, told));
            }
            Some(at) => ages.push((now.duration_since(at), server)),
        }
    }
    if !none.is_empty() {
        let text = words::no_point(place.target, &none);
        let finding = place.finding(CHECK, Level::Problem, text);
        let finding = finding.of(place.roster, ids_of(&none));
        found.add(finding.help(commands::servers(place.target, ids_of(&none))));
    }
    ages.sort();
    let oldest = ages.last().map(|(age, _)| *age);
    let old: Vec<Named> = ages
        .into_iter()
        .rev()
        .take_while(|(age, _)| *age > limits::POINT_AGE)
        .map(|(age, (id, hostname))| (id, format!("{hostname} ({})", duration(age))))
        .collect();
    if !old.is_empty() {
        let finding = place.finding(CHECK, Level::Warning, words::old_points(place.target, &old));
        let finding = finding.of(place.roster, ids_of(&old));
        found.add(finding.help(commands::points(place.plan)));
    } else if let Some(oldest) = oldest
        && none.is_empty()
        && read == count
    {
        let text = words::fresh_points(place.target, count, oldest);
        found.add(place.finding(CHECK, Level::Ready, text));
    }
}
