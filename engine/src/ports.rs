//! The outside, as the engine sees it: DRS and the clock. The third port, the item store, is in [`crate::store::items`].
//!
//! Every call says what is true after it returns. The one distinction that everything rests on is in [`CallError`]: a
//! *refused* call has had no effect, a *busy* one has had none and may be made again, and of an *unknown* one nothing is
//! known: it may have been carried out.
//!
//! Adapters do not retry calls that change the world, and they do not judge: they translate.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use jiff::{SignedDuration, Timestamp};

use crate::ids::{InstanceId, JobId, ServerId, SnapshotId, Target};
use crate::limits::Quotas;
use crate::time::{Now, Wake};

mod actions;
mod readiness;

pub use actions::{
    Action, ActionRequest, ActionRun, ActionStatus, Actions, Message, Topics, cut, filled,
    message_text, subject_line,
};
pub use readiness::{LaunchSettings, LaunchTemplate, Readiness, Subnet, is_standard};

/// Everything that an execution needs of AWS.
pub trait Outside: Drs + Actions + Readiness + Topics {}

impl<T: Drs + Actions + Readiness + Topics> Outside for T {}

/// AWS Elastic Disaster Recovery, and the few calls of other services that must agree with it.
pub trait Drs: Send + Sync {
    /// Asks DRS to launch servers as one job. Never retried by the adapter.
    ///
    /// After `Ok`, the job exists. After [`Kind::Refused`] or [`Kind::Busy`], no job exists. After [`Kind::Unknown`], it
    /// may exist. The request is signed with `signed_at`, so that AWS refuses it when it arrives late.
    fn start_recovery(
        &self,
        target: &Target,
        request: &StartRecovery,
    ) -> impl Future<Output = Result<JobId, CallError>> + Send;

    /// The jobs that DRS lists, all pages. A job that was just made may be missing for a while.
    fn jobs(
        &self,
        target: &Target,
        which: &WhichJobs,
    ) -> impl Future<Output = Result<Vec<Job>, CallError>> + Send;

    /// Why servers of a job failed, from the job's log, in DRS's own words.
    fn failures(
        &self,
        target: &Target,
        job: &JobId,
    ) -> impl Future<Output = Result<BTreeMap<ServerId, String>, CallError>> + Send;

    /// What servers of a job were launched from, from the job's log; those that it says nothing of are missing.
    fn snapshots_taken(
        &self,
        target: &Target,
        job: &JobId,
    ) -> impl Future<Output = Result<BTreeMap<ServerId, Taken>, CallError>> + Send;

    /// The points in time that DRS keeps of a server, all pages, in no particular order; none of a server that does not
    /// exist.
    fn recovery_snapshots(
        &self,
        target: &Target,
        server: &ServerId,
    ) -> impl Future<Output = Result<Vec<RecoverySnapshot>, CallError>> + Send;

    /// The recovery instances that DRS lists, all pages.
    fn recovery_instances(
        &self,
        target: &Target,
        which: &WhichInstances,
    ) -> impl Future<Output = Result<Vec<RecoveryInstance>, CallError>> + Send;

    /// The source servers of a target, all pages; with ids, only those of them that exist.
    fn source_servers(
        &self,
        target: &Target,
        ids: Option<&[ServerId]>,
    ) -> impl Future<Output = Result<Vec<SourceServer>, CallError>> + Send;

    /// Asks DRS to terminate recovery instances. Asking again for the same instances does no harm.
    fn terminate(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> impl Future<Output = Result<Option<JobId>, CallError>> + Send;

    /// Which of these EC2 instances still exist and are not terminated.
    fn alive_in_ec2(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> impl Future<Output = Result<Vec<InstanceId>, CallError>> + Send;

    /// What EC2's status checks say of these instances; those that EC2 does not know, or knows no more, are missing.
    fn instance_health(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> impl Future<Output = Result<BTreeMap<InstanceId, InstanceHealth>, CallError>> + Send;

    /// The quotas of a target; the documented ones where Service Quotas cannot be read.
    fn quotas(&self, target: &Target) -> impl Future<Output = Result<Quotas, CallError>> + Send;
}

/// Time and waiting.
pub trait Clock: Send + Sync {
    /// The present instant on both clocks.
    fn now(&self) -> Now;

    /// Returns at the earlier of the two instants, or sooner when something asks the driver to look again.
    fn sleep(&self, until: Wake) -> impl Future<Output = ()> + Send;
}

/// A launch to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartRecovery {
    /// The servers, in launch order.
    pub servers: Vec<StartServer>,
    /// Whether this is a drill.
    pub is_drill: bool,
    /// Tags for the job; empty when DRS or IAM refuses tags.
    pub tags: BTreeMap<String, String>,
    /// The wall time the request must be signed with: the intent's.
    pub signed_at: Timestamp,
}

/// A server to be launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartServer {
    /// The source server.
    pub id: ServerId,
    /// The point in time it is launched from; none means its newest state.
    pub snapshot: Option<SnapshotId>,
}

/// A point in time that DRS keeps of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverySnapshot {
    /// Its id.
    pub id: SnapshotId,
    /// When it was taken; none while it is not.
    pub taken_at: Option<Timestamp>,
}

/// What DRS launched a server from, when no point in time was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A snapshot that was taken for the launch.
    Fresh,
    /// An earlier point, because no snapshot could be taken.
    Previous,
}

/// Which jobs to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhichJobs {
    /// These jobs.
    Ids(Vec<JobId>),
    /// Every job created at or after this world time.
    Since(Timestamp),
}

/// Which recovery instances to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhichInstances {
    /// Those of these source servers.
    OfServers(Vec<ServerId>),
    /// These.
    Ids(Vec<InstanceId>),
    /// All of a target.
    All,
}

/// A DRS job as observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The job's id.
    pub id: JobId,
    /// Whether it launches servers (`LAUNCH`), as opposed to terminating or converting.
    pub launches: bool,
    /// Whether it was started as a drill.
    pub is_drill: bool,
    /// `COMPLETED`, the only end a job has.
    pub completed: bool,
    /// When it was created, in world time.
    pub created_at: Timestamp,
    /// When it ended, in world time.
    pub ended_at: Option<Timestamp>,
    /// The servers that take part.
    pub servers: Vec<JobServer>,
    /// The job's tags.
    pub tags: BTreeMap<String, String>,
}

/// A server that takes part in a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobServer {
    /// The source server.
    pub id: ServerId,
    /// How far it is.
    pub status: LaunchStatus,
    /// Its recovery instance, where DRS says it here.
    pub instance: Option<InstanceId>,
}

/// How far a server of a job is. DRS may send words that its model does not list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchStatus {
    /// Snapshot and conversion.
    Pending,
    /// The instance is being launched.
    InProgress,
    /// Done.
    Launched,
    /// Failed; the job's log says why.
    Failed,
    /// The instance was terminated.
    Terminated,
    /// A word this version does not know; carried, never fatal.
    Other(String),
}

/// A recovery instance as DRS lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryInstance {
    /// The instance.
    pub id: InstanceId,
    /// The source server it was launched from.
    pub server: ServerId,
    /// The job that launched it.
    pub job: Option<JobId>,
    /// Whether it is a drill's.
    pub is_drill: bool,
    /// The time of the data that it was launched from, where DRS says it.
    pub point_in_time: Option<Timestamp>,
}

/// What EC2 says about the health of an instance, in EC2's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceHealth {
    /// Its state, e.g. `running`, `stopped`.
    pub state: String,
    /// Its instance status, e.g. `ok`, `initializing`, `impaired`.
    pub instance_status: String,
    /// Its system status, in the same words.
    pub system_status: String,
}

/// A source server as DRS lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceServer {
    /// The server's id.
    pub id: ServerId,
    /// Its ARN, which carries its Region and account.
    pub arn: String,
    /// Host name as the agent reported it.
    pub hostname: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The replication state in DRS's words, e.g. `CONTINUOUS`.
    pub replication_state: String,
    /// The lag in ISO 8601, where DRS reports one.
    pub lag: Option<String>,
    /// Result of the last launch in DRS's words.
    pub last_launch_result: Option<String>,
    /// The operating system as DRS reports it.
    pub operating_system: Option<String>,
    /// The AWS Region that it runs in; none for one outside of AWS.
    pub origin_region: Option<String>,
}

/// The code, a word of ours, of a call for an account that is no target, or for a Region that its target does not list.
pub const TARGET_NOT_CONFIGURED: &str = "TargetNotConfigured";
/// The code, a word of ours, of a call for an account whose role could not be assumed: it was not made.
pub const ROLE_NOT_ASSUMABLE: &str = "RoleNotAssumable";

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// What is known about its effect.
    pub kind: Kind,
    /// The call, e.g. `drs:StartRecovery`.
    pub call: &'static str,
    /// The error code AWS sent, or a word of ours where there was no answer.
    pub code: String,
    /// The message in AWS's words, or what happened on the way.
    pub message: String,
    /// How long AWS asked to wait.
    pub retry_after: Option<SignedDuration>,
}

/// What is known about the effect of a call that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It had none, and the same call will be refused again.
    Refused,
    /// It had none, and the same call may succeed later.
    Busy,
    /// It may have been carried out.
    Unknown,
}

impl fmt::Display for LaunchStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Launched => "LAUNCHED",
            Self::Failed => "FAILED",
            Self::Terminated => "TERMINATED",
            Self::Other(word) => word,
        })
    }
}

impl InstanceHealth {
    /// Whether both checks have passed.
    pub fn is_ok(&self) -> bool {
        self.instance_status == "ok" && self.system_status == "ok"
    }
}

impl CallError {
    /// EC2's word for an instance in a list that it does not know: it then tells nothing about the others either.
    pub const NO_SUCH_INSTANCE: &'static str = "InvalidInstanceID.NotFound";

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.kind != Kind::Refused
    }

    /// Whether the caller lacks the right to it. DRS, STS, EC2 and SNS have a word each.
    pub fn is_denied(&self) -> bool {
        matches!(
            self.code.as_str(),
            "AccessDeniedException"
                | "AccessDenied"
                | "UnauthorizedOperation"
                | "AuthorizationError"
        )
    }

    /// Whether a function, a document or a topic that was asked for does not exist. Lambda, Systems Manager and SNS have
    /// words of their own.
    pub fn is_missing(&self) -> bool {
        matches!(
            self.code.as_str(),
            "ResourceNotFoundException" | "InvalidDocument" | "InvalidDocumentVersion" | "NotFound"
        )
    }

    /// The action that IAM knows the call by, which is not always its name.
    pub fn action(&self) -> &str {
        match self.call {
            "lambda:Invoke" => "lambda:InvokeFunction",
            "dynamodb:TransactWriteItems" => {
                "dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem and dynamodb:ConditionCheckItem"
            }
            call => call,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call,
            code,
            message,
            ..
        } = self;
        match self.kind {
            Kind::Refused => write!(f, "{call} was refused: {code}: {message}"),
            Kind::Busy => write!(f, "{call} could not be served now: {code}: {message}"),
            Kind::Unknown => write!(f, "{call} got no usable answer: {code}: {message}"),
        }
    }
}

impl std::error::Error for CallError {}
