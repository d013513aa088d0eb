//! Every bound of this crate, by name. What bounds the engine is in [`drs_engine::limits`].

use std::time::Duration;

/// Longest time to open a connection, TLS and a proxy's tunnel included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time to the first byte of an answer.
pub const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time of one call with all its tries.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(180);
/// Longest time to obtain credentials: a process, an SSO portal, a chain of roles.
pub const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(60);
/// Tries of one call that changes nothing.
pub const READ_ATTEMPTS: u32 = 4;

/// Pages of one list. DRS pages hold hundreds of items, so a list that needs more is broken.
pub const PAGES: usize = 1_000;
/// Items that are asked for in one page of DRS.
pub const PAGE_ITEMS: i32 = 200;
/// Instances that are asked for in one page of EC2, where a whole Region is read.
pub const INSTANCES_PER_PAGE: i32 = 1_000;
/// Launch templates that EC2 lists in one page.
pub const TEMPLATES_PER_PAGE: i32 = 200;
/// Instance types that EC2 lists in one page.
pub const TYPES_PER_PAGE: i32 = 100;
/// Ids that DRS and EC2 take in one filter.
pub const IDS_PER_FILTER: usize = 200;
/// Ids of jobs that DRS takes in one filter.
pub const JOBS_PER_FILTER: usize = 1_000;
/// Instances that DRS terminates in one call.
pub const INSTANCES_PER_TERMINATION: usize = 200;
/// Instances in one call of DescribeInstanceStatus.
pub const INSTANCES_PER_STATUS: usize = 100;

/// Longest time of one function: Lambda's own bound, and a minute for the way.
pub const INVOCATION_TIMEOUT: Duration = Duration::from_secs(16 * 60);
/// How long an invocation is watched for a refusal before it counts as running.
pub const INVOCATION_REFUSAL_WAIT: Duration = Duration::from_secs(1);
/// Functions of one target that this process waits for at the same time.
pub const INVOCATIONS_RUNNING: usize = 64;
/// Functions whose results are remembered after they ended.
pub const INVOCATIONS_REMEMBERED: usize = 1_000;

/// How long the target of an account counts as read.
pub const TARGET_MAX_AGE: Duration = Duration::from_secs(30);
/// How long before its end a role's session is renewed; a quarter of its length where that is shorter.
pub const RENEWAL_MARGIN: Duration = Duration::from_secs(300);
/// Time between two tries to renew a session that has not ended.
pub const RENEWAL_RETRY: Duration = Duration::from_secs(15);
/// Regions of a target that are checked at the same time.
pub const REGIONS_CHECKED_TOGETHER: usize = 10;

/// Tries to begin the run of a state machine while it is not known whether it has begun.
pub const MACHINE_START_ATTEMPTS: u32 = 3;
/// How long a machine that was begun may take to be heard of: Lambda may have to start the function first.
pub const MACHINE_FIRST_WORD: Duration = Duration::from_secs(120);

/// How long quotas that were read count as read.
pub const QUOTAS_MAX_AGE: Duration = Duration::from_secs(3_600);
/// How long the documented quotas are used after Service Quotas could not be read.
pub const QUOTAS_RETRY: Duration = Duration::from_secs(300);

/// How long a read of an item waits for others that can be made in the same call: less than the call takes.
pub const GATHERING_ITEMS: Duration = Duration::from_millis(2);
/// The same for a look at source servers. DRS takes a tenth of a second and more for one, and allows few a second.
pub const GATHERING_SERVERS: Duration = Duration::from_millis(20);
/// Keys in one call of BatchGetItem.
pub const KEYS_PER_BATCH: usize = 100;
/// Calls for what BatchGetItem leaves unread, without one that reads anything.
pub const BATCH_ATTEMPTS: u32 = 6;

/// Tries of a transaction that met another one; no write was made by any but the last.
pub const TRANSACTION_ATTEMPTS: u32 = 6;
/// First wait between two such tries; doubled each time, with jitter.
pub const TRANSACTION_BACKOFF: Duration = Duration::from_millis(25);

/// Longest time until a new table can be used.
pub const TABLE_ACTIVE_TIMEOUT: Duration = Duration::from_secs(300);
/// Time between two looks at a new table.
pub const TABLE_POLL: Duration = Duration::from_millis(500);

/// Longest sleep of the clock without another look.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Time between two looks at a world whose clock only a person can move.
pub const STANDING_CLOCK_POLL: Duration = Duration::from_millis(500);

/// Longest configuration file, in bytes.
pub const SETTINGS_FILE_BYTES: u64 = 64 * 1024;
/// Longest bundle of certificate authorities, in bytes.
pub const CA_BUNDLE_BYTES: u64 = 16 * 1024 * 1024;
/// Longest name of an environment, in characters: the names of its tables must stay under 255.
pub const ENVIRONMENT_CHARS: usize = 64;
