//! Every bound of the engine, by name: loops, waits, batches, retries.
//!
//! DRS quotas are per account and Region. They are read from Service Quotas where that is readable; the values here are
//! the documented ones (AWS General Reference, "AWS Elastic Disaster Recovery endpoints and quotas") and stand in when
//! it is not.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Waves in one plan.
pub const WAVES_PER_PLAN: usize = 50;
/// Protection groups named by one plan; every one is checked in the start transaction, so this stays under
/// [`ITEMS_PER_TRANSACTION`].
pub const GROUPS_PER_PLAN: usize = 50;
/// Servers listed in one protection group: the DRS limit of source servers in an account and Region.
pub const SERVERS_PER_GROUP: usize = 4_000;
/// Source servers in one account and Region (L-E28BE5E0).
pub const SERVERS_PER_TARGET: usize = 4_000;
/// Tags that select servers of one protection group.
pub const TAGS_PER_SELECTION: usize = 50;
/// Longest key of a tag in EC2, in characters.
pub const EC2_TAG_KEY_CHARS: usize = 128;
/// Longest value of a tag in EC2, in characters.
pub const EC2_TAG_VALUE_CHARS: usize = 256;
/// Regions of one target account; AWS has fewer with DRS.
pub const REGIONS_PER_TARGET: usize = 50;
/// Longest path and name of a role, in characters, as IAM allows.
pub const ROLE_NAME_CHARS: usize = 576;
/// Longest external id, in characters, as STS allows.
pub const EXTERNAL_ID_CHARS: usize = 1_224;
/// Shortest and longest session of a role, in seconds, as STS allows.
pub const ROLE_SESSION_SECONDS: (i64, i64) = (900, 43_200);
/// Rounds of telling drills that a recovery takes their servers; each names ten servers that were still held.
pub const PREEMPTIONS: usize = 500;

/// Looks at a drill that is pre-empted, for a call of it that may still arrive; the launch fence passes well within them.
pub const PREEMPTION_LOOKS: usize = 400;

/// How long an apply waits for a name or a server that another group or plan holds: it may be given up in the same apply.
pub const HELD_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// Time between two tries while something is held.
pub const HELD_RETRY: SignedDuration = SignedDuration::from_secs(2);

/// Longest name of a group, a plan or a wave, in characters.
pub const NAME_CHARS: usize = 64;
/// Longest description, in characters.
pub const DESCRIPTION_CHARS: usize = 1_024;

/// Longest objective of a plan, of time or of data.
pub const LONGEST_OBJECTIVE: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Hooks of one plan: all of them are frozen in the first event of an execution.
pub const HOOKS_PER_PLAN: usize = 50;
/// Longest name of a function, a document, a version or a Region, in characters; ARNs are the longest.
pub const ACTION_NAME_CHARS: usize = 256;
/// Names and values of the parameters of one document together, in bytes.
pub const PARAMETERS_BYTES: usize = 2_048;
/// Values of the parameters of one document together.
pub const PARAMETER_VALUES: usize = 100;

/// Servers named by one stored item or event.
pub const SERVERS_PER_EVENT: usize = 100;
/// Servers judged by one event: each also writes its own item, and both go in one transaction.
pub const SERVERS_PER_JUDGEMENT: usize = 80;
/// Writes in one transaction; DynamoDB allows 100.
pub const ITEMS_PER_TRANSACTION: usize = 90;
/// Events in one history; a history that needs more is broken, and a loop is stopped by it.
pub const EVENTS_PER_EXECUTION: u64 = 200_000;
/// Pages of one list of groups or targets; a list that needs more is broken.
pub const PAGES_PER_LIST: usize = 1_000;
/// Items that are asked for in one page of such a list.
pub const ITEMS_PER_PAGE: usize = 100;
/// Runs of a plan that are searched for one whose result was never delivered, newest first.
pub const RUNS_SEARCHED: usize = 25;
/// Calls of one kind that a driver makes at the same time, each in another target.
pub const CALLS_TOGETHER: usize = 10;
/// Time for asking one thing about each of many servers, in wall time; four thousand answers of a quarter of a second fit.
pub const EACH_SERVER_TIME: SignedDuration = SignedDuration::from_secs(120);
/// Age of a server's newest point in time from which a preflight warns: DRS takes one every ten minutes.
pub const POINT_AGE: SignedDuration = SignedDuration::from_hours(1);
/// Servers that one finding of a preflight lists for a program; more are counted.
pub const SERVERS_PER_FINDING: usize = 100;
/// Executions that one import takes.
pub const EXECUTIONS_PER_IMPORT: usize = 1_000;
/// Attempts to append one set of events while others write, before the turn is given up and loaded anew.
pub const APPEND_ATTEMPTS: usize = 20;

/// Failures of the store in a row that a driver waits out, with backoff, before it gives up: about a quarter of an hour.
pub const STORE_FAILURES: u32 = 20;

/// Default time a wave may take from its first launch to its last judged server.
pub const WAVE_TIMEOUT: SignedDuration = SignedDuration::from_hours(2);
/// Time in which EC2's status checks must pass after a launch.
pub const STATUS_TIMEOUT: SignedDuration = SignedDuration::from_mins(10);
/// The same for Windows, which sets itself up at its first boot.
pub const STATUS_TIMEOUT_WINDOWS: SignedDuration = SignedDuration::from_mins(45);
/// How long after a server's limit EC2 is still asked when it could not answer.
pub const STATUS_GRACE: SignedDuration = SignedDuration::from_mins(2);
/// Default time that a command or a function that checks servers may take.
pub const CHECK_TIMEOUT: SignedDuration = SignedDuration::from_mins(10);
/// Default time that a hook may take.
pub const HOOK_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// Longest time that can be asked for a hook or a check.
pub const LONGEST_ACTION: SignedDuration = SignedDuration::from_hours(4);
/// How often a hook or a check is begun when it is not known whether it was: once, and twice more with the same token.
pub const BEGINS_PER_ACTION: u32 = 3;
/// Instances of one command of Systems Manager.
pub const INSTANCES_PER_COMMAND: usize = 50;
/// Longest time that can be asked for a wave, a wait or an execution: a week.
pub const LONGEST_TIMEOUT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Shortest time that a drill may be given to stay.
pub const SHORTEST_LIFETIME: SignedDuration = SignedDuration::from_mins(1);
/// Longest time that a drill may be given to stay.
pub const LONGEST_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Executions that one sweep takes up, those that are due the longest first.
pub const EXECUTIONS_PER_SWEEP: usize = 25;
/// What the provider's create timeout adds to the execution's own.
pub const CREATE_TIMEOUT_MARGIN: SignedDuration = SignedDuration::from_mins(30);
/// How long jobs that still run are followed after launches were stopped by a timeout or a cancel.
pub const FOLLOW_AFTER_STOP: SignedDuration = SignedDuration::from_hours(4);
/// How long a server may stay unjudged, or its job be missing, after its job completed.
pub const JUDGE_GRACE: SignedDuration = SignedDuration::from_secs(90);
/// How long after LAUNCHED the recovery instance's id is looked for before the server is recorded without one.
pub const INSTANCE_GRACE: SignedDuration = SignedDuration::from_secs(300);
/// How long after a job's end its log is asked what its servers were launched from, before that stays unknown.
pub const POINTS_GRACE: SignedDuration = SignedDuration::from_secs(300);
/// Times that the recovery points of a server are asked for when an execution starts, while DRS is busy.
pub const POINT_READS: u32 = 4;
/// Problems with recovery points that a refused start spells out; the rest is counted.
pub const POINT_PROBLEMS: usize = 20;
/// How long a termination may take before what is left is reported.
pub const TERMINATION_TIMEOUT: SignedDuration = SignedDuration::from_hours(2);

/// Time between two looks for instances of launched servers, or of servers that are terminated.
pub const POLL_INTERVAL: SignedDuration = SignedDuration::from_secs(15);
/// Shortest time between two looks at the running jobs of a target.
pub const POLL_SHORTEST: SignedDuration = SignedDuration::from_secs(5);
/// Longest time between two looks at the running jobs of a target.
pub const POLL_LONGEST: SignedDuration = SignedDuration::from_secs(30);
/// Age of a job from which its servers are due to be launched; DRS has not been seen to launch one sooner.
pub const LAUNCH_DUE: SignedDuration = SignedDuration::from_mins(5);
/// The share of a young job's age that may pass between two looks: what fails at once is seen at once.
pub const POLL_SHARE_YOUNG: i32 = 4;
/// The share of a job's age that may pass between two looks once its servers are due: a hundredth is all that looking
/// can add to how long a launch takes.
pub const POLL_SHARE_DUE: i32 = 100;
/// Time since a launch from which its instance's status checks are due; EC2 has not been seen to pass them sooner.
pub const STATUS_DUE: SignedDuration = SignedDuration::from_mins(1);
/// The share of the time since a launch that may pass between two looks at its instance's status once they are due.
pub const POLL_SHARE_STATUS: i32 = 20;
/// The share of the time since a hook or a check was begun that may pass between two looks at it.
pub const POLL_SHARE_ACTION: i32 = 10;
/// Wall time between two looks at a history that another process writes.
pub const FOLLOW_INTERVAL: SignedDuration = SignedDuration::from_secs(2);
/// How old the view of other jobs in a target may be when a launch is decided.
pub const SURVEY_MAX_AGE: SignedDuration = SignedDuration::from_secs(60);
/// How old a look for live recovery instances may be when a launch is intended, in wall time.
pub const GUARD_MAX_AGE: SignedDuration = SignedDuration::from_secs(60);
/// Groups or plans that are read at once where all of them are listed.
pub const LIST_PAGE: usize = 100;
/// How often they are read at most: more groups than servers can be in.
pub const LIST_PAGES: usize = 1_000;
/// How far back jobs are searched for a view of what runs in a target.
pub const SURVEY_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Launches of one server that DRS refuses with a conflict, although no job has it, before the server has failed: it has
/// no recovery point, or does not replicate.
pub const CONFLICTS_PER_SERVER: u32 = 12;
/// Launches of one server after its first that a plan may ask for when launches fail.
pub const RETRIES_PER_SERVER: u32 = 3;
/// First wait after a busy or unknown answer; doubled each time, with jitter.
pub const BACKOFF_FIRST: SignedDuration = SignedDuration::from_secs(2);
/// Longest wait between two tries of one call.
pub const BACKOFF_LONGEST: SignedDuration = SignedDuration::from_secs(60);

/// Characters of what a function or a document said that are kept.
pub const ACTION_TEXT_CHARS: usize = 1_000;
/// Topics that one plan may tell.
pub const TOPICS_PER_PLAN: usize = 5;
/// Notices of one execution to each topic; the end is told beyond that, too.
pub const NOTICES_PER_EXECUTION: usize = 200;
/// How often a notice is tried that SNS did not refuse.
pub const NOTICE_TRIES: u32 = 5;
/// How long, on the wall, SNS has to answer before nobody knows whether a notice was published.
pub const NOTICE_DEADLINE: SignedDuration = SignedDuration::from_secs(10);
/// Lines of waves and servers in a notice; the least interesting servers go first.
pub const NOTICE_ROWS: usize = 60;
/// Servers that a notice of degraded ones names with their reasons; more are counted.
pub const SERVERS_PER_NOTICE: usize = 50;
/// Characters of the subject of a notification.
pub const SUBJECT_CHARS: usize = 100;
/// Bytes of the text of a notification.
pub const MESSAGE_BYTES: usize = 256 * 1024;

/// Age at which AWS refuses a signed request.
pub const SIGNATURE_AGE: SignedDuration = SignedDuration::from_mins(5);
// What a launch's guard saw must hold until AWS refuses the request: see the launch of `drive::perform`.
const _: () = assert!(SIGNATURE_AGE.as_secs() <= LAUNCH_DUE.as_secs());
/// How much the clocks of this machine and AWS may differ when a job is matched with an intent.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);
/// How often an owner says that it lives.
pub const HEARTBEAT_INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// Silence after which an owner counts as gone.
pub const OWNER_SILENCE: SignedDuration = SignedDuration::from_secs(30);
/// How long an owner may be marked CLAIMING before its claims count as released.
pub const CLAIMING_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// Time a call in flight has to finish when the process is told to end.
pub const EXIT_GRACE: SignedDuration = SignedDuration::from_secs(5);
/// Turns one driver makes for one execution before it stops and says so: at one look per 15 s this is a month.
pub const TURNS_PER_DRIVE: u64 = 200_000;

/// Live executions of each status that one sweep on Lambda looks at.
pub const LIVE_PER_SWEEP: usize = 200;
/// Silence after which a sweep on Lambda has a machine take an execution over: a person who stopped its driver may be about
/// to drive on.
pub const SWEEP_SILENCE: SignedDuration = SignedDuration::from_mins(2);
/// How long a turn on Lambda works before it lets the machine wait, while there is always something to do.
pub const TURN_BUDGET: SignedDuration = SignedDuration::from_secs(60);
/// Longest wait that a turn on Lambda sleeps through, rather than have the machine wait.
pub const TURN_PATIENCE: SignedDuration = SignedDuration::from_secs(3);
/// How long the machine waits for a turn: a function of Lambda runs for 15 minutes at most.
pub const TURN_TIMEOUT: SignedDuration = SignedDuration::from_mins(16);
/// Longest wait of a machine between two turns: a cancel is seen after it at the latest.
pub const REST_LONGEST: SignedDuration = SignedDuration::from_secs(60);
/// How long a machine waits for the token of a pause before it looks for itself.
pub const PAUSE_LOOK: SignedDuration = SignedDuration::from_mins(15);
/// Turns of one run of a machine. A turn writes nine events of Step Functions' own history, a retried one three more for
/// each retry, and 25,000 are allowed.
pub const TURNS_PER_MACHINE: u32 = 1_500;
/// Longest run of a machine; every run goes on as a new one long before.
pub const MACHINE_TIMEOUT: SignedDuration = SignedDuration::from_hours(60 * 24);
/// How long a machine tries to go on as a new run, once.
pub const CONTINUE_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);
// The rests of a machine must leave room for the longest: a run of nothing but pauses, each with a turn.
const _: () = assert!(
    (PAUSE_LOOK.as_secs() + TURN_TIMEOUT.as_secs()) * (TURNS_PER_MACHINE as i64)
        <= MACHINE_TIMEOUT.as_secs()
);

/// The DRS quotas that bound launches, per account and Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas {
    /// Concurrent jobs in progress (L-D88FAC3A).
    pub jobs: u32,
    /// Source servers in one job (L-B827C881).
    pub servers_per_job: u32,
    /// Source servers in all jobs (L-05AFA8C6).
    pub servers_in_jobs: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            jobs: 20,
            servers_per_job: 100,
            servers_in_jobs: 500,
        }
    }
}

/// The fence after an intent: a request that was signed with the intent's time is refused by AWS at
/// [`SIGNATURE_AGE`]; twice that leaves room for clocks that differ.
pub fn launch_fence(signature_age: SignedDuration) -> SignedDuration {
    signature_age.saturating_mul(2)
}
