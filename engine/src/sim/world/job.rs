//! How jobs are made: what every job has, and the launches of its servers.

use jiff::{SignedDuration, Timestamp};

use super::chance::{self, Chance};
use super::model::{
    Job, JobKind, LastLaunch, LogData, LogEntry, LogEvent, Machine, Outcome, Participant, Record,
    Server, Site,
};
use super::pace::Pace;
use super::previous::previous_instances;
use super::room::Room;
use super::schedule::{self, Order, Schedule, Source};
use super::tags::Tags;
use super::wire;
use crate::sim::fleet::{FaultPhase, LaunchDisposition, LaunchFault, Os, RecoveryMode, Settings};
use crate::time::after;

/// A job is answered before it starts, however short everything else was made.
const LEAST_PENDING: SignedDuration = SignedDuration::from_micros(1);

/// What a job is made of, apart from its servers.
pub(super) struct Making<'a> {
    pub(super) settings: &'a Settings,
    pub(super) seed: u64,
    pub(super) now: Timestamp,
    pub(super) kind: JobKind,
    pub(super) tags: Tags,
}

/// A server that can be launched, with the state of the source that it is launched from.
pub(super) struct Checked {
    pub(super) server_id: String,
    pub(super) source: Source,
    pub(super) point_in_time: Timestamp,
}

impl Checked {
    /// A server that is launched from its newest state.
    pub(super) fn fresh(server: &Server, now: Timestamp) -> Self {
        let is_reachable = server.replication.is_reachable(now);
        Self {
            server_id: server.id.clone(),
            source: if is_reachable {
                Source::Fresh
            } else {
                Source::Unreachable
            },
            point_in_time: server.replication.latest(now),
        }
    }
}

impl LogEntry {
    /// A line about the whole job.
    fn of_job(at: Timestamp, event: LogEvent) -> Self {
        Self {
            at,
            event,
            participant: None,
            data: LogData::Nothing,
        }
    }
}

impl Job {
    /// A job that is being made, and the pace of what is not any one server's.
    pub(super) fn begin(site: &Site, making: &Making<'_>) -> (Self, Pace) {
        let number = site.last_job + 1;
        let label = [site.key(), number.to_string()];
        let chance = Chance::of(making.seed, &["pace", &label[0], &label[1]]);
        let mut pace = Pace::of(making.settings, None, Os::Linux, chance);
        let created_at = wire::to_micros(making.now);
        let started_at = after(
            created_at,
            pace.draw(|timings| timings.start).max(LEAST_PENDING),
        );
        let job = Self {
            id: chance::id(making.seed, "drsjob-", &["job", &label[0], &label[1]]),
            number,
            kind: making.kind,
            created_at,
            started_at,
            ended_at: started_at,
            participants: Vec::new(),
            tags: making.tags.clone(),
            log: vec![LogEntry::of_job(started_at, LogEvent::JobStart)],
        };
        (job, pace)
    }

    /// Completes a job whose last server is through at `over_at`. Its id.
    pub(super) fn complete(
        mut self,
        site: &mut Site,
        over_at: Timestamp,
        pace: &mut Pace,
    ) -> String {
        self.ended_at = after(over_at, pace.draw(|timings| timings.end));
        self.log.sort_by_key(|entry| entry.at);
        self.log
            .push(LogEntry::of_job(self.ended_at, LogEvent::JobEnd));
        let id = self.id.clone();
        site.add_job(self);
        id
    }
}

/// Makes a job that launches servers, and writes its schedule down on everything that it will touch. The job's id.
pub(super) fn launch_all(site: &mut Site, making: &Making<'_>, servers: Vec<Checked>) -> String {
    let (mut job, mut pace) = Job::begin(site, making);
    let mut over_at = job.started_at;
    let mut room = Room::of(site, making.settings.quotas.standard_vcpus, making.now);
    for (position, checked) in servers.into_iter().enumerate() {
        let schedule = add_launch(site, making, &mut job, &mut room, position, checked);
        over_at = over_at.max(schedule.over_at);
        job.log.extend(schedule.log);
    }
    job.complete(site, over_at, &mut pace)
}

/// Adds one server to a job that is being made.
fn add_launch(
    site: &mut Site,
    making: &Making<'_>,
    job: &mut Job,
    room: &mut Room,
    position: usize,
    checked: Checked,
) -> Schedule {
    let previous = previous_instances(site, &checked.server_id, making.now);
    for machine in previous.removed().filter_map(|id| site.machines.get(id)) {
        room.give_back(machine);
    }
    let default_subnet = site.default_subnet.clone();
    let server = site
        .servers
        .get_mut(&checked.server_id)
        .expect("the server was just found");
    let subnet = server.template.subnet.clone().or(default_subnet);
    let fault = next_fault(server).or_else(|| room.take(subnet.as_ref(), &server.template).err());
    let label = ["launch", job.id.as_str(), checked.server_id.as_str()];
    let instance_id = chance::id(making.seed, "i-", &label);
    let mut pace = Pace::of(
        making.settings,
        server.timings,
        server.os,
        Chance::of(making.seed, &label),
    );
    let order = Order {
        position,
        instance_id: &instance_id,
        source: checked.source,
        converts: server.launch.recovery_mode == RecoveryMode::Optimal,
        fault: fault.as_ref(),
        previous: previous.kind(),
    };
    let schedule = schedule::launch(&order, job.started_at, &mut pace);
    server.job = Some(job.number);
    server.last_launch = Some(LastLaunch {
        job_id: job.id.clone(),
        called_at: job.created_at,
        is_drill: making.kind == JobKind::Drill,
        course: schedule.course,
    });
    if schedule.course.outcome == Outcome::Launched {
        server.instances.push(instance_id.clone());
        let (record, mut machine) = launched(
            server,
            job,
            &checked,
            &instance_id,
            schedule.over_at,
            &mut pace,
        );
        machine.subnet = subnet;
        machine.impaired = fault.is_some_and(|fault| fault.phase == FaultPhase::StatusChecks);
        site.records.insert(instance_id.clone(), record);
        site.machines.insert(instance_id.clone(), machine);
    }
    previous.remove(site, schedule.cleanup);
    job.participants.push(Participant {
        server_id: checked.server_id,
        instance_id,
        course: schedule.course,
    });
    schedule
}

/// What the server's script says of this launch.
fn next_fault(server: &mut Server) -> Option<LaunchFault> {
    let scripted = (!server.faults.is_empty()).then(|| server.faults.remove(0));
    scripted.filter(|fault| fault.phase != FaultPhase::None)
}

fn launched(
    server: &Server,
    job: &Job,
    checked: &Checked,
    instance_id: &str,
    at: Timestamp,
    pace: &mut Pace,
) -> (Record, Machine) {
    let mut tags = Tags::new();
    if server.launch.copy_tags {
        let copied = server
            .tags
            .iter()
            .filter(|(key, _)| !key.to_lowercase().starts_with("aws:"));
        tags.extend(copied.map(|(key, value)| (key.clone(), value.clone())));
    }
    let record = Record {
        id: instance_id.to_owned(),
        server_id: server.id.clone(),
        job_id: job.id.clone(),
        is_drill: job.kind == JobKind::Drill,
        tags: tags.clone(),
        point_in_time: checked.point_in_time,
        appears_at: at,
        removed_at: None,
        job: None,
    };
    tags.entry("Name".to_owned())
        .or_insert_with(|| server.hostname.clone());
    tags.insert(
        "AWSElasticDisasterRecoveryManaged".to_owned(),
        "drs.amazonaws.com".to_owned(),
    );
    tags.insert(
        "AWSElasticDisasterRecoverySourceServerID".to_owned(),
        server.id.clone(),
    );
    let runs_at = after(at, pace.draw(|timings| timings.pending));
    let machine = Machine {
        id: instance_id.to_owned(),
        hostname: server.hostname.clone(),
        tags,
        instance_type: server.template.instance_type.clone(),
        subnet: None,
        launched_at: at,
        runs_at,
        checks_pass_at: after(runs_at, pace.draw_by_os(|timings| timings.status_checks)),
        stopped: server.launch.launch_disposition == LaunchDisposition::Stopped,
        stopping_until: None,
        impaired: false,
        protected: false,
        shutting_down_at: None,
        terminated_at: None,
    };
    (record, machine)
}
