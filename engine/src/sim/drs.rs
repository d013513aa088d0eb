//! DRS as a task of a simulated run sees it: the world, behind gates, with everything that can go wrong with a call.
//!
//! It does what an adapter does, no more: input, answer, and what is known about the effect of a call that failed. In
//! front of the world it is AWS's front door, too, and refuses a request that was signed too long ago.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::ids::{InstanceId, JobId, ServerId, Target};
use crate::limits::{self, Quotas};
use crate::ports::{
    CallError, Drs, InstanceHealth, Job, Kind, LaunchStatus, RecoveryInstance, RecoverySnapshot,
    SourceServer, StartRecovery, Taken, WhichInstances, WhichJobs,
};
use crate::time::{after, before};

use super::hub::{Fate, Faults, Hub, gate};
use super::items::lost;
use super::world::fault::Fault;
use super::world::{ApiError, Caller, World};

mod actions;
mod answer;
mod readiness;

pub use actions::Functions;

/// Most pages of one answer.
const PAGES: usize = 1_000;
/// Calls that change the world are few, and are what everything is about: they go wrong more often than looks.
const CHANGES_WEIGH: u64 = 8;

/// Age from which a job is listed by every look for new jobs: less than the fence after an intent, with the age of the
/// oldest signature and the difference of two clocks taken off.
const SETTLED: SignedDuration = SignedDuration::from_mins(3);

/// The world of a run, shared by its tasks.
pub type SharedWorld = Arc<Mutex<World>>;

/// DRS for one task.
#[derive(Clone, Debug)]
pub struct SimDrs {
    /// What the run shares.
    pub hub: Hub,
    /// The world.
    pub world: SharedWorld,
    /// Who calls.
    pub caller: Caller,
    /// How DRS behaves in this run.
    pub manners: Manners,
    /// What was done that cannot be undone.
    pub ledger: Arc<Mutex<Ledger>>,
    /// The functions that this task has invoked.
    pub functions: Functions,
}

/// What tasks did that cannot be undone, as the world saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Live recovery instances that an accepted launch deletes.
    pub replaced: Vec<InstanceId>,
    /// Instances that were terminated, with the job that had launched them.
    pub terminated: Vec<(InstanceId, Option<JobId>)>,
}

/// How DRS behaves towards one task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manners {
    /// How long a job that was just made is not listed, in world time.
    pub jobs_hidden_for: SignedDuration,
    /// Whether tags are refused.
    pub refuses_tags: bool,
    /// Whether nobody may list recovery instances.
    pub hides_instances: bool,
    /// Whether topics never answer.
    pub topics_hang: bool,
}

impl SimDrs {
    /// One call, all pages, as one gate before and one after.
    async fn call(
        &self,
        target: &Target,
        call: &'static str,
        input: Value,
        signed_at: Timestamp,
    ) -> Result<Vec<Value>, CallError> {
        gate().await;
        let changes = World::is_mutating(operation(call));
        let mut fate = self.hub.fate_of(if changes { CHANGES_WEIGH } else { 1 });
        if self.hub.is_expired() {
            fate = Fate::Expired;
        }
        if matches!(fate, Fate::Throttled | Fate::Expired | Fate::LostBefore) {
            return Err(lost(&self.hub, call, fate));
        }
        let touched = self.touched(target, call, &input);
        let result = self.serve(target, call, input, signed_at);
        if result.is_ok() {
            self.write_down(call, touched);
        }
        if changes {
            self.hub.trace(|| format!("{call}: {result:?}"));
        }
        gate().await;
        if fate == Fate::LostAfter {
            return Err(lost(&self.hub, call, fate));
        }
        result
    }

    /// Age at which a signed request is refused here. What a launch's guard saw must hold until its request is refused, so
    /// where launches take shorter than in life, on the wall, requests are served shorter too. How long DRS takes to list
    /// a job, and by how much clocks differ, is not shortened, and so the fence after an intent is not either.
    fn signature_age(&self) -> SignedDuration {
        let shorten = lock(&self.world).settings().shorten.max(1.0);
        let faster = shorten * f64::from(self.hub.speed());
        SignedDuration::from_secs_f64(limits::SIGNATURE_AGE.as_secs_f64() / faster)
    }

    fn serve(
        &self,
        target: &Target,
        call: &'static str,
        input: Value,
        signed_at: Timestamp,
    ) -> Result<Vec<Value>, CallError> {
        let now = self.hub.both();
        let is_too_old = after(signed_at, self.signature_age()) < now.wall;
        #[cfg(test)]
        let is_too_old =
            is_too_old && !crate::sabotage::is_taken_out(crate::sabotage::Check::SignatureAge);
        if is_too_old {
            self.hub.count("signatures too old");
            return Err(refused(
                call,
                "InvalidSignatureException",
                format!(
                    "Signature expired: {signed_at} is now earlier than {}",
                    now.wall
                ),
            ));
        }
        let denied = lock(&self.world).take_fault(now.world, &target.region, operation(call));
        if denied == Some(Fault::AccessDenied) {
            return Err(self.denied(call));
        }
        self.pages(target, call, input, now.world)
    }

    /// Every page that the world answers.
    fn pages(
        &self,
        target: &Target,
        call: &'static str,
        mut input: Value,
        at: Timestamp,
    ) -> Result<Vec<Value>, CallError> {
        let caller = Caller {
            account_id: target.account_id.clone(),
            arn: self.caller.arn.clone(),
        };
        let mut pages = Vec::new();
        for _ in 0..PAGES {
            let reply = lock(&self.world)
                .call(at, &caller, &target.region, operation(call), &input)
                .map_err(|error| classify(call, error))?;
            let body = reply.body.unwrap_or_else(|| json!({}));
            let token = ["nextToken", "NextToken"]
                .into_iter()
                .find_map(|name| Some((name, body.get(name)?.clone())));
            pages.push(body);
            match token {
                Some((name, token)) => input[name] = token,
                None => break,
            }
        }
        Ok(pages)
    }

    /// A call that the caller has no right to, in the words of the service. Of the faults that can be injected into a world,
    /// only this one is carried out here; the run has its own for the others.
    fn denied(&self, call: &'static str) -> CallError {
        let code = if call.starts_with("ec2:") {
            "UnauthorizedOperation"
        } else {
            "AccessDeniedException"
        };
        let message = format!(
            "User: {} is not authorized to perform: {call} because no identity-based policy allows it",
            self.caller.arn
        );
        refused(call, code, message)
    }

    /// The recovery instances that a call would delete, whoever may see them.
    fn touched(&self, target: &Target, call: &str, input: &Value) -> Vec<RecoveryInstance> {
        let filters = match call {
            "drs:StartRecovery" => {
                let servers = input["sourceServers"].as_array().into_iter().flatten();
                let ids: Vec<&Value> = servers.map(|server| &server["sourceServerID"]).collect();
                json!({"sourceServerIDs": ids})
            }
            "drs:TerminateRecoveryInstances" => {
                json!({"recoveryInstanceIDs": input["recoveryInstanceIDs"]})
            }
            _ => return Vec::new(),
        };
        let input = json!({"filters": filters});
        let now = self.hub.both().world;
        let pages = self.pages(target, "drs:DescribeRecoveryInstances", input, now);
        answer::items(&pages.unwrap_or_default(), answer::recovery_instance).unwrap_or_default()
    }

    fn write_down(&self, call: &str, touched: Vec<RecoveryInstance>) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        for instance in touched {
            if call == "drs:TerminateRecoveryInstances" {
                ledger.terminated.push((instance.id, instance.job));
            } else if !instance.is_drill {
                ledger.replaced.push(instance.id);
            }
        }
    }

    /// What a list of jobs may lack, and what it may say in words that nobody knows. A look that began long after a job was
    /// made lists it: everything about launching at most once rests on that.
    fn blur(&self, jobs: &mut Vec<Job>, which: &WhichJobs) {
        let Faults {
            empty,
            unknown_words,
            ..
        } = self.hub.faults();
        if self.hub.chance(empty) && !jobs.is_empty() {
            let speed = i32::try_from(self.hub.speed()).unwrap_or(i32::MAX);
            let settled = before(self.hub.both().world, SETTLED.saturating_mul(speed));
            let by_id = matches!(which, WhichJobs::Ids(_));
            jobs.retain(|job| !by_id && job.created_at < settled);
            self.hub.count("empty answers");
        }
        for server in jobs.iter_mut().flat_map(|job| &mut job.servers) {
            let is_open = matches!(
                server.status,
                LaunchStatus::Pending | LaunchStatus::InProgress
            );
            if is_open && self.hub.chance(unknown_words) {
                server.status = LaunchStatus::Other("WARMING_UP".to_owned());
                self.hub.count("unknown words");
            }
        }
    }

    async fn look(
        &self,
        target: &Target,
        call: &'static str,
        input: Value,
    ) -> Result<Vec<Value>, CallError> {
        self.call(target, call, input, self.hub.now()).await
    }
}

impl Drs for SimDrs {
    async fn start_recovery(
        &self,
        target: &Target,
        request: &StartRecovery,
    ) -> Result<JobId, CallError> {
        const CALL: &str = "drs:StartRecovery";
        if self.manners.refuses_tags && !request.tags.is_empty() {
            let message = "not authorized to perform: drs:TagResource";
            return Err(refused(CALL, "AccessDeniedException", message.to_owned()));
        }
        let servers: Vec<Value> = request
            .servers
            .iter()
            .map(|server| match &server.snapshot {
                Some(snapshot) => {
                    json!({"sourceServerID": server.id, "recoverySnapshotID": snapshot})
                }
                None => json!({"sourceServerID": server.id}),
            })
            .collect();
        let input = json!({
            "sourceServers": servers,
            "isDrill": request.is_drill,
            "tags": request.tags,
        });
        let pages = self.call(target, CALL, input, request.signed_at).await?;
        let job = pages.first().map(|body| &body["job"]["jobID"]);
        job.and_then(Value::as_str)
            .map(JobId::new)
            .ok_or_else(|| unreadable(CALL))
    }

    async fn jobs(&self, target: &Target, which: &WhichJobs) -> Result<Vec<Job>, CallError> {
        const CALL: &str = "drs:DescribeJobs";
        let filters = match which {
            WhichJobs::Ids(ids) => json!({"jobIDs": ids}),
            WhichJobs::Since(since) => json!({"fromDate": since.to_string()}),
        };
        let pages = self.look(target, CALL, json!({"filters": filters})).await?;
        let now = self.hub.both().world;
        let is_listed = |job: &Job| after(job.created_at, self.manners.jobs_hidden_for) <= now;
        let jobs = answer::items(&pages, answer::job).ok_or_else(|| unreadable(CALL))?;
        let mut jobs: Vec<Job> = jobs.into_iter().filter(is_listed).collect();
        self.blur(&mut jobs, which);
        Ok(jobs)
    }

    async fn failures(
        &self,
        target: &Target,
        job: &JobId,
    ) -> Result<BTreeMap<ServerId, String>, CallError> {
        let input = json!({"jobID": job});
        let pages = self.look(target, "drs:DescribeJobLogItems", input).await?;
        Ok(answer::failures(&pages))
    }

    async fn snapshots_taken(
        &self,
        target: &Target,
        job: &JobId,
    ) -> Result<BTreeMap<ServerId, Taken>, CallError> {
        let input = json!({"jobID": job});
        let pages = self.look(target, "drs:DescribeJobLogItems", input).await?;
        Ok(answer::snapshots_taken(&pages))
    }

    async fn recovery_snapshots(
        &self,
        target: &Target,
        server: &ServerId,
    ) -> Result<Vec<RecoverySnapshot>, CallError> {
        const CALL: &str = "drs:DescribeRecoverySnapshots";
        let input = json!({"sourceServerID": server});
        let pages = self.look(target, CALL, input).await?;
        answer::items(&pages, answer::recovery_snapshot).ok_or_else(|| unreadable(CALL))
    }

    async fn recovery_instances(
        &self,
        target: &Target,
        which: &WhichInstances,
    ) -> Result<Vec<RecoveryInstance>, CallError> {
        const CALL: &str = "drs:DescribeRecoveryInstances";
        let (empty, filters) = match which {
            WhichInstances::OfServers(ids) => (ids.is_empty(), json!({"sourceServerIDs": ids})),
            WhichInstances::Ids(ids) => (ids.is_empty(), json!({"recoveryInstanceIDs": ids})),
            WhichInstances::All => (false, json!({})),
        };
        if empty {
            return Ok(Vec::new());
        }
        if self.manners.hides_instances {
            let message = "not authorized to perform: drs:DescribeRecoveryInstances";
            return Err(refused(CALL, "AccessDeniedException", message.to_owned()));
        }
        let pages = self.look(target, CALL, json!({"filters": filters})).await?;
        answer::items(&pages, answer::recovery_instance).ok_or_else(|| unreadable(CALL))
    }

    async fn source_servers(
        &self,
        target: &Target,
        ids: Option<&[ServerId]>,
    ) -> Result<Vec<SourceServer>, CallError> {
        const CALL: &str = "drs:DescribeSourceServers";
        let input = match ids {
            Some([]) => return Ok(Vec::new()),
            Some(ids) => json!({"filters": {"sourceServerIDs": ids}}),
            None => json!({}),
        };
        let pages = self.look(target, CALL, input).await?;
        answer::items(&pages, answer::source_server).ok_or_else(|| unreadable(CALL))
    }

    async fn terminate(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<Option<JobId>, CallError> {
        const CALL: &str = "drs:TerminateRecoveryInstances";
        let input = json!({"recoveryInstanceIDs": instances});
        let pages = self.look(target, CALL, input).await?;
        let job = pages.first().map(|body| &body["job"]["jobID"]);
        Ok(job.and_then(Value::as_str).map(JobId::new))
    }

    async fn alive_in_ec2(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<Vec<InstanceId>, CallError> {
        if instances.is_empty() {
            return Ok(Vec::new());
        }
        let input = json!({"Filters": [{"Name": "instance-id", "Values": instances}]});
        let pages = self.look(target, "ec2:DescribeInstances", input).await?;
        Ok(answer::alive(&pages))
    }

    async fn instance_health(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, InstanceHealth>, CallError> {
        const CALL: &str = "ec2:DescribeInstanceStatus";
        if instances.is_empty() {
            return Ok(BTreeMap::new());
        }
        let input = |ids: &[InstanceId]| json!({"InstanceIds": ids, "IncludeAllInstances": true});
        match self.look(target, CALL, input(instances)).await {
            Err(error) if error.code == CallError::NO_SUCH_INSTANCE => {
                let known = self.alive_in_ec2(target, instances).await?;
                if known.is_empty() {
                    return Ok(BTreeMap::new());
                }
                Ok(answer::health(
                    &self.look(target, CALL, input(&known)).await?,
                ))
            }
            looked => Ok(answer::health(&looked?)),
        }
    }

    async fn quotas(&self, target: &Target) -> Result<Quotas, CallError> {
        let input = json!({"ServiceCode": "drs"});
        let pages = self
            .look(target, "servicequotas:ListServiceQuotas", input)
            .await?;
        Ok(answer::quotas(&pages))
    }
}

/// The world, whoever else has it.
pub fn lock(world: &SharedWorld) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the world calls an operation: DRS's own have no prefix.
fn operation(call: &'static str) -> &'static str {
    call.strip_prefix("drs:").unwrap_or(call)
}

/// Codes of a state that may pass. An instance that Systems Manager does not know may be one whose agent has not yet
/// registered.
const BUSY: [&str; 4] = [
    "ConflictException",
    "InvalidInstanceId",
    "Throttling",
    "ThrottlingException",
];

/// What is known about the effect of a call that the world refused.
fn classify(call: &'static str, error: ApiError) -> CallError {
    let kind = match (error.status, error.code.as_str()) {
        (402 | 429, _) => Kind::Busy,
        (_, code) if BUSY.contains(&code) => Kind::Busy,
        (500.., _) => Kind::Unknown,
        _ => Kind::Refused,
    };
    CallError {
        kind,
        call,
        code: error.code,
        message: error.message,
        retry_after: error
            .retry_after_seconds
            .map(|seconds| SignedDuration::from_secs(i64::from(seconds))),
    }
}

fn refused(call: &'static str, code: &str, message: String) -> CallError {
    CallError {
        kind: Kind::Refused,
        call,
        code: code.to_owned(),
        message,
        retry_after: None,
    }
}

fn unreadable(call: &'static str) -> CallError {
    CallError {
        kind: Kind::Unknown,
        call,
        code: "UnreadableAnswer".to_owned(),
        message: "the answer has another form than the API's model".to_owned(),
        retry_after: None,
    }
}
