//! The port to DRS, and the few calls of EC2 and Service Quotas that must agree with it.
//!
//! The two calls that change the world go through a client of their own:
//!
//! - It never tries twice. A second StartRecovery after a lost answer would be a second launch.
//! - StartRecovery is signed with the intent's time, so that AWS refuses it when it arrives late. The SDK would shift
//!   that time by the difference between clocks that it has measured, and it measures against the time that a call was
//!   signed with: one late answer, and the next launch could be signed into the future. So the shift is off here. A machine
//!   whose clock is wrong by minutes cannot launch, and is told so.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::retry::RetryConfig;
use aws_sdk_drs::Client;
use aws_sdk_drs::config::Config;
use aws_sdk_drs::types::{
    DescribeJobsRequestFilters, DescribeRecoveryInstancesRequestFilters,
    StartRecoveryRequestSourceServer,
};
use aws_sdk_ec2::types::{Filter, InstanceStateName};
use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use drs_engine::ids::{InstanceId, JobId, ServerId, Target};
use drs_engine::limits::Quotas;
use drs_engine::ports::{
    CallError, Drs, InstanceHealth, Job, Kind, RecoveryInstance, RecoverySnapshot, SourceServer,
    StartRecovery, Taken, WhichInstances, WhichJobs,
};
use jiff::Timestamp;

use crate::actions::ActionClients;
use crate::classify::{Call, INVALID_REQUEST, UNREADABLE_ANSWER};
use crate::limits;
use crate::quotas::{LIST_QUOTAS, ReadQuotas};
use crate::reach::{Reach, Services};

mod lists;
mod servers;
mod translate;

use servers::Servers;

const START_RECOVERY: Call = Call::changes("drs:StartRecovery");
const TERMINATE: Call = Call::changes("drs:TerminateRecoveryInstances");
const DESCRIBE_JOBS: Call = Call::reads("drs:DescribeJobs");
const DESCRIBE_JOB_LOG: Call = Call::reads("drs:DescribeJobLogItems");
const DESCRIBE_SNAPSHOTS: Call = Call::reads("drs:DescribeRecoverySnapshots");
const DESCRIBE_INSTANCES: Call = Call::reads("drs:DescribeRecoveryInstances");
const DESCRIBE_SERVERS: Call = Call::reads("drs:DescribeSourceServers");
const DESCRIBE_EC2: Call = Call::reads("ec2:DescribeInstances");
const DESCRIBE_STATUS: Call = Call::reads("ec2:DescribeInstanceStatus");
/// The least that EC2 takes as the size of a page.
pub(crate) const FEWEST: i32 = 5;

/// DRS in every target: the session's own account, and others as the roles of their targets. Clones share their
/// connections.
#[derive(Clone, Debug)]
pub struct AwsDrs(Arc<Connections>);

#[derive(Debug)]
struct Connections {
    reach: Reach,
    topics: aws_sdk_sns::Client,
}

/// An entry of a job's log, in DRS's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When, in world time; none when DRS does not say.
    pub at: Option<Timestamp>,
    /// What, e.g. `SNAPSHOT_START`.
    pub event: String,
    /// The source server, where it is about one.
    pub server: Option<ServerId>,
    /// The conversion server, where it is about one.
    pub conversion_server: Option<InstanceId>,
    /// The recovery instance, where it is about one.
    pub instance: Option<InstanceId>,
    /// The error, where there is one.
    pub error: Option<String>,
}

/// The clients of one account and Region.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) reads: Client,
    servers: Servers,
    changes: Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) quotas: ReadQuotas,
    pub(crate) actions: ActionClients,
}

impl Clients {
    /// Clients with the configuration of each service.
    pub(crate) fn new(services: &Services) -> Self {
        let changes = aws_sdk_drs::config::Builder::from(&services.drs)
            .retry_config(RetryConfig::disabled())
            .disable_clock_skew_correction(true)
            .build();
        let quotas = aws_sdk_servicequotas::Client::new(&services.quotas);
        let reads = Client::new(&services.drs);
        Self {
            servers: Servers::new(reads.clone()),
            reads,
            changes: Client::from_conf(changes),
            ec2: aws_sdk_ec2::Client::new(&services.ec2),
            quotas: ReadQuotas::new(quotas),
            actions: ActionClients::new(&services.lambda, &services.ssm),
        }
    }

    /// Tries every call that only looks, one item each, to find out which of them are allowed.
    pub(crate) async fn try_reads(&self) -> Vec<(Call, Result<(), CallError>)> {
        let servers = self.reads.describe_source_servers().max_results(1).send();
        let jobs = self.reads.describe_jobs().max_results(1).send();
        let instances = self.reads.describe_recovery_instances().max_results(1);
        let ec2 = self.ec2.describe_instances();
        let status = self.ec2.describe_instance_status();
        let mut tries = vec![
            (DESCRIBE_SERVERS, tried(DESCRIBE_SERVERS, servers.await)),
            (DESCRIBE_JOBS, tried(DESCRIBE_JOBS, jobs.await)),
            (
                DESCRIBE_INSTANCES,
                tried(DESCRIBE_INSTANCES, instances.send().await),
            ),
            (
                DESCRIBE_EC2,
                tried(DESCRIBE_EC2, ec2.max_results(FEWEST).send().await),
            ),
            (
                DESCRIBE_STATUS,
                tried(DESCRIBE_STATUS, status.max_results(FEWEST).send().await),
            ),
        ];
        tries.extend(self.try_launch_reads().await);
        tries.push((LIST_QUOTAS, self.quotas.try_list().await));
        tries
    }
}

/// Whether a call was answered.
pub(crate) fn tried<T, E>(
    call: Call,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<(), CallError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    answer.map(drop).map_err(|error| call.failed(&error))
}

impl AwsDrs {
    /// The ports on the ways into every target.
    pub(crate) fn new(reach: Reach, topics: aws_sdk_sns::Client) -> Self {
        Self(Arc::new(Connections { reach, topics }))
    }

    /// The clients for a call about a target.
    pub(crate) async fn clients(
        &self,
        call: Call,
        target: &Target,
    ) -> Result<Arc<Clients>, CallError> {
        self.0.reach.clients(call, target).await
    }

    /// The ways into every target.
    pub(crate) fn reach(&self) -> &Reach {
        &self.0.reach
    }

    /// The hub's client of topics.
    pub(crate) fn topics(&self) -> &aws_sdk_sns::Client {
        &self.0.topics
    }

    /// The log of a job, oldest entry first, for people: nothing is decided by it.
    ///
    /// # Errors
    ///
    /// When DRS cannot be asked, or does not know the job.
    pub async fn job_log(&self, target: &Target, job: &JobId) -> Result<Vec<LogEntry>, CallError> {
        let mut log: Vec<LogEntry> = self
            .raw_job_log(target, job)
            .await?
            .into_iter()
            .map(translate::log_entry)
            .collect();
        log.sort_by_key(|entry| entry.at);
        Ok(log)
    }

    async fn raw_job_log(
        &self,
        target: &Target,
        job: &JobId,
    ) -> Result<Vec<aws_sdk_drs::types::JobLog>, CallError> {
        let clients = self.clients(DESCRIBE_JOB_LOG, target).await?;
        let call = clients
            .reads
            .describe_job_log_items()
            .job_id(job.as_str())
            .max_results(limits::PAGE_ITEMS);
        all(DESCRIBE_JOB_LOG, |token| {
            let call = call.clone().set_next_token(token);
            async move {
                let page = call
                    .send()
                    .await
                    .map_err(|error| DESCRIBE_JOB_LOG.failed(&error))?;
                Ok((page.items.unwrap_or_default(), page.next_token))
            }
        })
        .await
    }

    /// What the status checks of a few instances say, of which EC2 must know every one.
    async fn health_of(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, InstanceHealth>, CallError> {
        let clients = self.clients(DESCRIBE_STATUS, target).await?;
        if instances.is_empty() {
            return Ok(BTreeMap::new());
        }
        // A list of ids is never paged, and takes no page size.
        let call = clients
            .ec2
            .describe_instance_status()
            .include_all_instances(true)
            .set_instance_ids(Some(instances.iter().map(ToString::to_string).collect()));
        let statuses = all(DESCRIBE_STATUS, |token| {
            let call = call.clone().set_next_token(token);
            async move {
                let page = call
                    .send()
                    .await
                    .map_err(|error| DESCRIBE_STATUS.failed(&error))?;
                Ok((page.instance_statuses.unwrap_or_default(), page.next_token))
            }
        })
        .await?;
        Ok(statuses.into_iter().filter_map(translate::health).collect())
    }
}

impl Drs for AwsDrs {
    async fn start_recovery(
        &self,
        target: &Target,
        request: &StartRecovery,
    ) -> Result<JobId, CallError> {
        let clients = self.clients(START_RECOVERY, target).await?;
        let servers = request
            .servers
            .iter()
            .map(|server| {
                StartRecoveryRequestSourceServer::builder()
                    .source_server_id(server.id.as_str())
                    .set_recovery_snapshot_id(server.snapshot.as_ref().map(ToString::to_string))
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| invalid(START_RECOVERY, &error))?;
        let tags = (!request.tags.is_empty()).then(|| request.tags.clone().into_iter().collect());
        let signed_at = StaticTimeSource::new(system_time(request.signed_at));
        let answer = clients
            .changes
            .start_recovery()
            .set_source_servers(Some(servers))
            .is_drill(request.is_drill)
            .set_tags(tags)
            .customize()
            .config_override(Config::builder().time_source(signed_at))
            .send()
            .await
            .map_err(|error| START_RECOVERY.failed(&error))?;
        // DRS took the call but does not say which job it is: the job must be looked for.
        let unnamed = || {
            START_RECOVERY.error(
                Kind::Unknown,
                UNREADABLE_ANSWER,
                "DRS accepted the launch, but its answer names no job",
            )
        };
        answer
            .job
            .map(|job| job.job_id)
            .filter(|id| !id.is_empty())
            .map(JobId::new)
            .ok_or_else(unnamed)
    }

    async fn jobs(&self, target: &Target, which: &WhichJobs) -> Result<Vec<Job>, CallError> {
        let clients = self.clients(DESCRIBE_JOBS, target).await?;
        let call = || {
            clients
                .reads
                .describe_jobs()
                .max_results(limits::PAGE_ITEMS)
        };
        let filters = DescribeJobsRequestFilters::builder();
        match which {
            WhichJobs::Since(at) => {
                // Whole seconds, rounded down: the model of the filter knows no others for certain.
                let from = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
                lists::jobs(&call().filters(filters.from_date(from).build())).await
            }
            WhichJobs::Ids(ids) => {
                let mut found = Vec::new();
                for part in ids.chunks(limits::JOBS_PER_FILTER) {
                    let ids = part.iter().map(ToString::to_string).collect();
                    let filters = filters.clone().set_job_ids(Some(ids)).build();
                    found.extend(lists::jobs(&call().filters(filters)).await?);
                }
                Ok(found)
            }
        }
    }

    async fn failures(
        &self,
        target: &Target,
        job: &JobId,
    ) -> Result<BTreeMap<ServerId, String>, CallError> {
        let log = self.raw_job_log(target, job).await?;
        Ok(translate::failures(&log))
    }

    async fn snapshots_taken(
        &self,
        target: &Target,
        job: &JobId,
    ) -> Result<BTreeMap<ServerId, Taken>, CallError> {
        let log = self.raw_job_log(target, job).await?;
        Ok(translate::snapshots_taken(log))
    }

    async fn recovery_snapshots(
        &self,
        target: &Target,
        server: &ServerId,
    ) -> Result<Vec<RecoverySnapshot>, CallError> {
        let clients = self.clients(DESCRIBE_SNAPSHOTS, target).await?;
        let call = clients
            .reads
            .describe_recovery_snapshots()
            .source_server_id(server.as_str())
            .max_results(limits::PAGE_ITEMS);
        let of_server = lists::snapshots(&call)
            .await?
            .into_iter()
            .filter(|snapshot| snapshot.source_server_id == server.as_str());
        Ok(of_server.filter_map(translate::recovery_snapshot).collect())
    }

    async fn recovery_instances(
        &self,
        target: &Target,
        which: &WhichInstances,
    ) -> Result<Vec<RecoveryInstance>, CallError> {
        let clients = self.clients(DESCRIBE_INSTANCES, target).await?;
        let mut found = Vec::new();
        for filters in filters_of(which) {
            let call = clients
                .reads
                .describe_recovery_instances()
                .filters(filters)
                .max_results(limits::PAGE_ITEMS);
            found.extend(lists::instances(&call).await?);
        }
        Ok(found)
    }

    async fn source_servers(
        &self,
        target: &Target,
        ids: Option<&[ServerId]>,
    ) -> Result<Vec<SourceServer>, CallError> {
        let clients = self.clients(DESCRIBE_SERVERS, target).await?;
        match ids {
            Some(ids) => clients.servers.named(ids).await,
            None => clients.servers.every().await,
        }
    }

    async fn terminate(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<Option<JobId>, CallError> {
        let clients = self.clients(TERMINATE, target).await?;
        if instances.len() > limits::INSTANCES_PER_TERMINATION {
            let message = format!("{} instances in one call", instances.len());
            return Err(TERMINATE.error(Kind::Refused, INVALID_REQUEST, message));
        }
        let answer = clients
            .changes
            .terminate_recovery_instances()
            .set_recovery_instance_ids(Some(instances.iter().map(ToString::to_string).collect()))
            .send()
            .await
            .map_err(|error| TERMINATE.failed(&error))?;
        Ok(answer
            .job
            .map(|job| job.job_id)
            .filter(|id| !id.is_empty())
            .map(JobId::new))
    }

    async fn alive_in_ec2(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<Vec<InstanceId>, CallError> {
        let clients = self.clients(DESCRIBE_EC2, target).await?;
        let mut alive = Vec::new();
        for part in instances.chunks(limits::IDS_PER_FILTER) {
            // A filter, not a list of ids: EC2 refuses a whole list for one instance that is gone.
            let ids = part.iter().map(ToString::to_string).collect();
            let call = clients
                .ec2
                .describe_instances()
                .filters(
                    Filter::builder()
                        .name("instance-id")
                        .set_values(Some(ids))
                        .build(),
                )
                .max_results(limits::PAGE_ITEMS);
            let reservations = all(DESCRIBE_EC2, |token| {
                let call = call.clone().set_next_token(token);
                async move {
                    let page = call
                        .send()
                        .await
                        .map_err(|error| DESCRIBE_EC2.failed(&error))?;
                    Ok((page.reservations.unwrap_or_default(), page.next_token))
                }
            })
            .await?;
            let instances = reservations
                .into_iter()
                .flat_map(|reservation| reservation.instances.unwrap_or_default());
            alive.extend(
                instances
                    .filter(is_alive)
                    .filter_map(|instance| instance.instance_id.map(InstanceId::new)),
            );
        }
        Ok(alive)
    }

    async fn instance_health(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, InstanceHealth>, CallError> {
        let mut found = BTreeMap::new();
        for part in instances.chunks(limits::INSTANCES_PER_STATUS) {
            match self.health_of(target, part).await {
                // One instance that is gone makes EC2 refuse the whole list, and there is no filter by id.
                Err(error) if error.code == CallError::NO_SUCH_INSTANCE => {
                    let known = self.alive_in_ec2(target, part).await?;
                    found.extend(self.health_of(target, &known).await?);
                }
                told => found.extend(told?),
            }
        }
        Ok(found)
    }

    async fn quotas(&self, target: &Target) -> Result<Quotas, CallError> {
        let clients = self.clients(LIST_QUOTAS, target).await?;
        Ok(clients.quotas.read().await)
    }
}

/// An instance whose state is not known counts as alive: it would be wrong to say that it is gone.
fn is_alive(instance: &aws_sdk_ec2::types::Instance) -> bool {
    let state = instance
        .state
        .as_ref()
        .and_then(|state| state.name.as_ref());
    state != Some(&InstanceStateName::Terminated)
}

/// An instant as the SDK knows it.
fn system_time(at: Timestamp) -> SystemTime {
    let since = Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default();
    UNIX_EPOCH + since
}

fn invalid(call: Call, error: &dyn std::error::Error) -> CallError {
    call.error(Kind::Refused, INVALID_REQUEST, error.to_string())
}

/// All pages of a list, up to a bound. A token that comes twice would go on for ever.
pub(crate) async fn all<T, F, P>(call: Call, mut page: F) -> Result<Vec<T>, CallError>
where
    F: FnMut(Option<String>) -> P,
    P: Future<Output = Result<(Vec<T>, Option<String>), CallError>>,
{
    let mut found = Vec::new();
    let mut token = None;
    for _ in 0..limits::PAGES {
        let (items, next) = page(token.clone()).await?;
        found.extend(items);
        let next = next.filter(|next| !next.is_empty());
        if next.is_none() {
            return Ok(found);
        }
        if next == token {
            break;
        }
        token = next;
    }
    Err(call.error(
        Kind::Busy,
        UNREADABLE_ANSWER,
        format!("the list did not end within {} pages", limits::PAGES),
    ))
}

/// A filter for each part of what is wanted. An empty filter means all, so there is none when nothing is wanted.
fn filters_of(which: &WhichInstances) -> Vec<DescribeRecoveryInstancesRequestFilters> {
    let filters = DescribeRecoveryInstancesRequestFilters::builder;
    match which {
        WhichInstances::All => vec![filters().build()],
        WhichInstances::OfServers(ids) => ids
            .chunks(limits::IDS_PER_FILTER)
            .map(|part| {
                let ids = part.iter().map(ToString::to_string).collect();
                filters().set_source_server_ids(Some(ids)).build()
            })
            .collect(),
        WhichInstances::Ids(ids) => ids
            .chunks(limits::IDS_PER_FILTER)
            .map(|part| {
                let ids = part.iter().map(ToString::to_string).collect();
                filters().set_recovery_instance_ids(Some(ids)).build()
            })
            .collect(),
    }
}
