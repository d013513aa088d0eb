//! Starting an execution, and finding one that was started before.
//!
//! A start resolves the plan, asks its drill guard, looks for live recovery instances, freezes and leases the servers, and
//! makes the execution exist in one transaction. Nothing is launched by it: that is for whoever drives the execution
//! afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::digest;
use crate::drive::{DriveError, Driver};
use crate::event::{LiveInstance, Mode, Recorded, Started};
use crate::guard::{Guard, Unchecked};
use crate::ids::{ExecutionId, PlanId, Target};
use crate::limits;
use crate::only::Only;
use crate::plan::Plan;
use crate::point::{self, PointError, RecoveryPoint};
use crate::ports::{CallError, Clock, Outside};
use crate::readiness::guard::Stopped;
use crate::report::duration;
use crate::resolve::{Resolution, ResolveError, resolve};
use crate::state::{IllegalEvent, Owner, State};
use crate::store::codec::ReadError;
use crate::store::executions::HistoryError;
use crate::store::items::Items;
use crate::store::plans::Plans;
use crate::store::record::SignOfLife;
use crate::store::start::{StartError, StartRequest};
use crate::store::summary::Summary;

mod look;
mod preempt;
mod waves;

pub(crate) use waves::{frozen_waves, place};

/// What inputs are called that are carried along but do not say which run this is.
pub const ASIDE: char = '_';

/// What the reason of whoever starts an execution is called among its inputs.
pub const REASON: &str = "_reason";

/// An execution to be started.
#[derive(Clone, Debug)]
pub struct Begin {
    /// The id it gets; new, never used before.
    pub execution_id: ExecutionId,
    /// The plan.
    pub plan: PlanId,
    /// What it is for.
    pub mode: Mode,
    /// Where it is started from: `terraform`, `drsctl`.
    pub origin: String,
    /// Values that the starter wants back, by name. They also say which run this is: a start by the same origin with the
    /// same inputs means the same run. Values whose name begins with [`ASIDE`], e.g. `_cleanup`, are carried but say
    /// nothing about that.
    pub inputs: BTreeMap<String, serde_json::Value>,
    /// The ARN that STS gives for whoever starts it.
    pub initiated_by: String,
    /// The account and the Region that it is started from.
    pub hub: Target,
    /// Limit of the whole execution; none means the plan's, and then the mode's default: none for a recovery, the
    /// plan's longest chain of waits and timeouts for a drill.
    pub execution_timeout: Option<SignedDuration>,
    /// How long what a drill launches may stay, from its start on; none means until somebody has it terminated. A recovery
    /// cannot have one.
    pub max_lifetime: Option<SignedDuration>,
    /// Whether live recovery instances may be replaced.
    pub replace_live_instances: bool,
    /// The part of the plan that it is for.
    pub only: Only,
    /// What its servers are launched from.
    pub points: RecoveryPoint,
    /// The number that the run must have, e.g. because a person confirmed it; none means whichever is next.
    pub run: Option<i64>,
    /// Guards that a recovery may launch without while they cannot be read; for a drill they change nothing.
    pub force_unknown: Vec<Guard>,
    /// Guards that cannot be looked at from here.
    pub unchecked: Vec<Unchecked>,
}

/// Why an execution did not start. Nothing was launched.
#[derive(Debug)]
pub enum BeginError {
    /// The plan cannot be launched now; every reason.
    Resolve(Vec<ResolveError>),
    /// It cannot have the maximum lifetime that was asked for.
    Lifetime(String),
    /// Servers cannot be launched from what was asked for; every reason.
    Points(Vec<PointError>),
    /// Live recovery instances exist that a launch would delete.
    LiveInstances {
        /// The first of them.
        instances: Vec<LiveInstance>,
        /// How many there are.
        count: usize,
    },
    /// It cannot be seen whether live recovery instances exist.
    GuardUnreadable(CallError),
    /// The plan's drill guard stops the drill: it would boot in a subnet that is not for drills, or that cannot be seen.
    DrillGuard(Stopped),
    /// Functions or documents that hooks and checks of the plan run do not exist; every one.
    HooksMissing(Vec<String>),
    /// A drill that stands in the way could not be told.
    Preempt(DriveError),
    /// It could not be made to exist.
    Start(StartError),
    /// What was written does not make sense; a broken rule of the engine.
    Illegal(IllegalEvent),
}

/// Whose an execution is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Nobody's: it has ended. What it launched may still have to be terminated.
    Terminal,
    /// Nobody's: its owner has been silent for too long. It can be taken over.
    OwnerGone,
    /// A process drives it, and lived at this time.
    OwnedBy(SignOfLife),
}

/// How long a whole execution may take: what was asked for, else what the plan says, else the mode's default.
pub fn execution_timeout(
    asked: Option<SignedDuration>,
    plan: &Plan,
    mode: Mode,
) -> Option<SignedDuration> {
    asked
        .or(plan.execution_timeout())
        .or_else(|| (mode == Mode::Drill).then(|| plan.longest_chain()))
}

/// The digest of those inputs that say which run this is.
pub fn inputs_digest(inputs: &BTreeMap<String, serde_json::Value>) -> String {
    let telling: BTreeMap<_, _> = inputs
        .iter()
        .filter(|(name, _)| !name.starts_with(ASIDE))
        .collect();
    digest::of(&telling)
}

impl<D: Outside, I: Items + Clone, C: Clock> Driver<D, I, C> {
    /// Starts an execution that this process owns.
    ///
    /// # Errors
    ///
    /// See [`BeginError`]; nothing was launched in any case.
    pub async fn begin_execution(&self, begin: &Begin) -> Result<State, BeginError> {
        check_lifetime(begin).map_err(BeginError::Lifetime)?;
        let resolution = resolve(&self.drs, &self.executions.items, &begin.plan, &begin.only).await;
        let mut resolution = resolution.map_err(BeginError::Resolve)?;
        let points = self.freeze_points(&begin.points, &mut resolution.frozen);
        points.await.map_err(BeginError::Points)?;
        let guard = resolution.parsed.drill_guard().cloned();
        let mut request = self.request_of(begin, resolution);
        let frozen = request.frozen.clone();
        request.started.drill_guard = self.ask_guard(begin, guard.as_ref(), &frozen).await?;
        self.find_hooks(begin, &request).await?;
        let events = self.start(begin, &mut request).await?;
        let now = self.clock.now();
        // A lost sign of life is made up for by the next one.
        let _ = self
            .executions
            .heartbeat(&begin.execution_id, &self.owner, &self.host, now)
            .await;
        State::replay(Arc::new(frozen), &events).map_err(BeginError::Illegal)
    }

    /// Makes the execution exist. A recovery takes what it needs from drills that run.
    async fn start(
        &self,
        begin: &Begin,
        request: &mut StartRequest,
    ) -> Result<Vec<Recorded>, BeginError> {
        if !begin.replace_live_instances {
            let unread = self.refuse_live_instances(begin, &request.frozen).await?;
            request.started.unchecked.extend(unread);
        }
        let mut tried = 0;
        loop {
            let started = self.executions.start(request, self.clock.now()).await;
            let error = match started {
                Ok(events) => return Ok(events),
                Err(error) => error,
            };
            let others = preempt::in_the_way(&error);
            tried += 1;
            if begin.mode != Mode::Recovery || others.is_empty() || tried > limits::PREEMPTIONS {
                return Err(BeginError::Start(error));
            }
            let told = self.preempt(begin, &others).await;
            let told = told.map_err(BeginError::Preempt)?;
            if told.is_empty() {
                return Err(BeginError::Start(error));
            }
            request.started.preempted.extend(told);
            request.started.preempted.sort();
            request.started.preempted.dedup();
        }
    }

    /// The last run of a plan by this origin with the same inputs, if its result was never delivered: a process that
    /// died before it could tell anybody about the run that it had started.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn undelivered(
        &self,
        plan: &PlanId,
        origin: &str,
        inputs: &BTreeMap<String, serde_json::Value>,
    ) -> Result<Option<(ExecutionId, Whose)>, DriveError> {
        let digest = inputs_digest(inputs);
        let same = |summary: &Summary| summary.origin == origin && summary.inputs_digest == digest;
        let found = match self.last_run(plan).await.map_err(read)? {
            Some(last) if same(&last) => Some(last),
            // Somebody else ran the plan since. That run is over or stands in the way of a start, so the list may be
            // behind without harm.
            _ => {
                let (summaries, _) = self
                    .executions
                    .list_by_plan(plan, None, limits::RUNS_SEARCHED)
                    .await
                    .map_err(read)?;
                summaries.into_iter().find(same)
            }
        };
        let Some(found) = found.filter(|summary| !summary.delivered) else {
            return Ok(None);
        };
        let whose = self.ownership(&found.execution_id).await?;
        Ok(Some((found.execution_id, whose)))
    }

    /// Whose an execution is now. The owner's last sign of life counts, and the moment it became the owner.
    ///
    /// # Errors
    ///
    /// When the history cannot be read, or does not make sense.
    pub async fn ownership(&self, id: &ExecutionId) -> Result<Whose, DriveError> {
        let summary = self.executions.summary(id).await.map_err(read)?;
        let Some(summary) = summary.filter(Summary::has_begun) else {
            return Err(DriveError::History(HistoryError::Missing(id.clone())));
        };
        if summary.is_terminal {
            return Ok(Whose::Terminal);
        }
        let now = self.clock.now().wall;
        let sign = self.executions.sign_of_life(id).await.map_err(read)?;
        if let Some(sign) = sign.as_ref().filter(|sign| sign.is_fresh(now)) {
            return Ok(Whose::OwnedBy(sign.clone()));
        }
        let state = self.load(id).await?;
        if state.status.is_terminal() {
            return Ok(Whose::Terminal);
        }
        // An owner whose own last sign is old has left or fallen silent, however lately it became the owner.
        let has_signed = |owner: &Owner| sign.as_ref().is_some_and(|sign| sign.owner == owner.id);
        let owner = state.owner.filter(|owner| !has_signed(owner));
        let since = owner.map(|owner| SignOfLife {
            owner: owner.id,
            host: owner.host,
            at: owner.since.wall,
        });
        Ok(since
            .filter(|sign| sign.is_fresh(now))
            .map_or(Whose::OwnerGone, Whose::OwnedBy))
    }

    /// The last run of a plan, from the plan's own item.
    async fn last_run(&self, plan: &PlanId) -> Result<Option<Summary>, ReadError> {
        let plan = Plans::new(self.executions.items.clone()).find(plan).await?;
        match plan.and_then(|plan| plan.execution) {
            Some(id) => self.executions.summary(&id).await,
            None => Ok(None),
        }
    }

    fn request_of(&self, begin: &Begin, resolution: Resolution) -> StartRequest {
        let mut waves = frozen_waves(&resolution);
        let Resolution {
            plan,
            parsed,
            groups,
            frozen,
            ..
        } = resolution;
        place(&mut waves, &begin.hub);
        let started = Started {
            execution_id: begin.execution_id.clone(),
            plan_id: plan.id.clone(),
            plan_name: plan.spec.name.clone(),
            plan_digest: parsed.digest().to_owned(),
            mode: begin.mode,
            waves,
            resolution_digest: frozen.digest(),
            timeout: execution_timeout(begin.execution_timeout, &parsed, begin.mode),
            origin: begin.origin.clone(),
            inputs: begin.inputs.clone(),
            replace_live_instances: begin.replace_live_instances,
            only: begin.only.clone(),
            points: begin.points.clone(),
            preempted: Vec::new(),
            max_lifetime: begin.max_lifetime,
            notifications: parsed.notifications().cloned(),
            drill_guard: None,
            force_unknown: begin.force_unknown.clone(),
            unchecked: begin.unchecked.clone(),
        };
        StartRequest {
            started,
            frozen,
            owner: self.owner.clone(),
            host: self.host.clone(),
            initiated_by: begin.initiated_by.clone(),
            inputs_digest: inputs_digest(&begin.inputs),
            hub: begin.hub.clone(),
            plan,
            groups,
            run: begin.run,
        }
    }
}

/// Whether an execution can have the lifetime that was asked for, and why not.
fn check_lifetime(begin: &Begin) -> Result<(), String> {
    let Some(lifetime) = begin.max_lifetime else {
        return Ok(());
    };
    if begin.mode != Mode::Drill {
        let reason = "only a drill has a maximum lifetime: what a recovery launches may be in production, and is never \
                      removed by itself";
        return Err(reason.to_owned());
    }
    let range = limits::SHORTEST_LIFETIME..=limits::LONGEST_LIFETIME;
    if range.contains(&lifetime) {
        return Ok(());
    }
    Err(format!(
        "a drill cannot have a maximum lifetime of {}; it may be from {} to {} (30 days)",
        duration(lifetime),
        duration(*range.start()),
        duration(*range.end())
    ))
}

fn read(error: ReadError) -> DriveError {
    DriveError::History(HistoryError::Read(error))
}

impl fmt::Display for BeginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(errors) => {
                let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                write!(f, "{}", texts.join("\n"))
            }
            Self::Lifetime(problem) => write!(f, "{problem}"),
            Self::Points(problems) => write!(f, "{}", point::told(problems).join("\n")),
            Self::Preempt(error) => write!(
                f,
                "a drill that runs could not be told that a recovery takes its servers: {error}"
            ),
            Self::LiveInstances { instances, count } => {
                let named: BTreeSet<String> = instances
                    .iter()
                    .take(10)
                    .map(|live| format!("{} of {}", live.instance, live.server))
                    .collect();
                let named: Vec<String> = named.into_iter().collect();
                write!(
                    f,
                    "live recovery instances exist, and a launch would delete them: {}",
                    named.join(", ")
                )?;
                let more = count.saturating_sub(named.len());
                if more > 0 {
                    write!(f, " and {more} more")
                } else {
                    Ok(())
                }
            }
            Self::GuardUnreadable(error) => write!(
                f,
                "it cannot be seen whether live recovery instances exist: {error}"
            ),
            Self::DrillGuard(error) => write!(f, "{error}"),
            Self::HooksMissing(missing) => write!(f, "{}", missing.join("\n")),
            Self::Start(error) => write!(f, "{error}"),
            Self::Illegal(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for BeginError {}

#[cfg(test)]
pub(crate) mod tests;
