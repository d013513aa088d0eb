//! The engine's ports with a meter and with AWS's latency in front of the simulated ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;

use drs_engine::ids::{InstanceId, JobId, ServerId, Target};
use drs_engine::limits::Quotas;
use drs_engine::ports::{
    Action, ActionRequest, ActionRun, ActionStatus, Actions, CallError, Clock, Drs, InstanceHealth,
    Job, LaunchSettings, LaunchTemplate, Message, Readiness, RecoveryInstance, RecoverySnapshot,
    SourceServer, StartRecovery, Subnet, Taken, Topics, WhichInstances, WhichJobs,
};
use drs_engine::sim::hub::SimClock;
use drs_engine::store::items::{
    IndexQuery, Item, Items, Key, Page, Query, Value, Write, WriteError,
};
use drs_engine::time::{Wake, after};

/// How long calls take.
#[derive(Clone, Copy)]
pub(crate) struct Latency {
    look: SignedDuration,
    launch: SignedDuration,
    store: SignedDuration,
}

impl Latency {
    /// Nothing takes time.
    pub(crate) const NONE: Self = Self {
        look: SignedDuration::ZERO,
        launch: SignedDuration::ZERO,
        store: SignedDuration::ZERO,
    };
    /// What calls take from inside AWS, some of them in other Regions: guesses on the long side.
    pub(crate) const AWS: Self = Self {
        look: SignedDuration::from_millis(200),
        launch: SignedDuration::from_millis(1_000),
        store: SignedDuration::from_millis(10),
    };
}

/// What was counted.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    pub(crate) calls: BTreeMap<&'static str, u64>,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

/// A meter.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Counts>>);

impl Meter {
    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().expect("nobody panicked").clone()
    }

    fn count(&self, call: &'static str) {
        let mut counts = self.0.lock().expect("nobody panicked");
        *counts.calls.entry(call).or_default() += 1;
    }

    /// DynamoDB's units: strongly consistent reads by 4 KB, transactional writes by 1 KB and twice.
    fn units(&self, read_bytes: Option<usize>, written: &[usize]) {
        let mut counts = self.0.lock().expect("nobody panicked");
        if let Some(bytes) = read_bytes {
            counts.read_units += bytes.div_ceil(4_096).max(1) as f64;
        }
        let units = written.iter().map(|bytes| 2 * bytes.div_ceil(1_024).max(1));
        counts.write_units += units.sum::<usize>() as f64;
    }
}

/// A port with a meter and latency in front of it.
#[derive(Clone)]
pub(crate) struct Metered<P> {
    pub(crate) port: P,
    pub(crate) clock: SimClock,
    pub(crate) meter: Meter,
    pub(crate) latency: Latency,
}

impl<P> Metered<P> {
    async fn pass(&self, call: &'static str, latency: SignedDuration) {
        self.meter.count(call);
        if !latency.is_zero() {
            let mut wake = Wake::default();
            wake.at_wall(after(self.clock.now().wall, latency));
            self.clock.sleep(wake).await;
        }
    }

    async fn look(&self, call: &'static str) {
        self.pass(call, self.latency.look).await;
    }

    async fn store(&self, call: &'static str) {
        self.pass(call, self.latency.store).await;
    }
}

impl<P: Drs> Drs for Metered<P> {
    async fn start_recovery(
        &self,
        target: &Target,
        request: &StartRecovery,
    ) -> Result<JobId, CallError> {
        self.pass("StartRecovery", self.latency.launch).await;
        self.port.start_recovery(target, request).await
    }

    async fn jobs(&self, target: &Target, which: &WhichJobs) -> Result<Vec<Job>, CallError> {
        self.look(match which {
            WhichJobs::Ids(_) => "DescribeJobs by id",
            WhichJobs::Since(_) => "DescribeJobs by date",
        })
        .await;
        self.port.jobs(target, which).await
    }

    async fn failures(
        &self,
        target: &Target,
        job: &JobId,
    ) -> Result<BTreeMap<ServerId, String>, CallError> {
        self.look("DescribeJobLogItems").await;
        self.port.failures(target, job).await
    }

    async fn snapshots_taken(
        &self,
        target: &Target,
        job: &JobId,
    ) -> Result<BTreeMap<ServerId, Taken>, CallError> {
        self.look("DescribeJobLogItems").await;
        self.port.snapshots_taken(target, job).await
    }

    async fn recovery_snapshots(
        &self,
        target: &Target,
        server: &ServerId,
    ) -> Result<Vec<RecoverySnapshot>, CallError> {
        self.look("DescribeRecoverySnapshots").await;
        self.port.recovery_snapshots(target, server).await
    }

    async fn recovery_instances(
        &self,
        target: &Target,
        which: &WhichInstances,
    ) -> Result<Vec<RecoveryInstance>, CallError> {
        self.look("DescribeRecoveryInstances").await;
        self.port.recovery_instances(target, which).await
    }

    async fn source_servers(
        &self,
        target: &Target,
        ids: Option<&[ServerId]>,
    ) -> Result<Vec<SourceServer>, CallError> {
        self.look("DescribeSourceServers").await;
        self.port.source_servers(target, ids).await
    }

    async fn terminate(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<Option<JobId>, CallError> {
        self.look("TerminateRecoveryInstances").await;
        self.port.terminate(target, instances).await
    }

    async fn alive_in_ec2(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<Vec<InstanceId>, CallError> {
        self.look("DescribeInstances").await;
        self.port.alive_in_ec2(target, instances).await
    }

    async fn instance_health(
        &self,
        target: &Target,
        instances: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, InstanceHealth>, CallError> {
        self.look("DescribeInstanceStatus").await;
        self.port.instance_health(target, instances).await
    }

    async fn quotas(&self, target: &Target) -> Result<Quotas, CallError> {
        self.look("ListServiceQuotas").await;
        self.port.quotas(target).await
    }
}

impl<P: Readiness> Readiness for Metered<P> {
    async fn launch_settings(
        &self,
        target: &Target,
        server: &ServerId,
    ) -> Result<LaunchSettings, CallError> {
        self.look("GetLaunchConfiguration").await;
        self.port.launch_settings(target, server).await
    }

    async fn launch_templates(
        &self,
        target: &Target,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, LaunchTemplate>, CallError> {
        self.look("DescribeLaunchTemplateVersions").await;
        self.port.launch_templates(target, ids).await
    }

    async fn subnets(
        &self,
        target: &Target,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Subnet>, CallError> {
        self.look("DescribeSubnets").await;
        self.port.subnets(target, ids).await
    }

    async fn vcpus_of(
        &self,
        target: &Target,
        types: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, u32>, CallError> {
        self.look("DescribeInstanceTypes").await;
        self.port.vcpus_of(target, types).await
    }

    async fn vcpu_quota(&self, target: &Target) -> Result<u32, CallError> {
        self.look("GetServiceQuota").await;
        self.port.vcpu_quota(target).await
    }

    async fn vcpus_running(&self, target: &Target) -> Result<u32, CallError> {
        self.look("DescribeInstances").await;
        self.port.vcpus_running(target).await
    }

    async fn is_there(&self, target: &Target, action: &Action) -> Result<bool, CallError> {
        self.look("DescribeDocument").await;
        self.port.is_there(target, action).await
    }
}

impl<P: Actions> Actions for Metered<P> {
    async fn begin(
        &self,
        target: &Target,
        request: &ActionRequest,
    ) -> Result<ActionRun, CallError> {
        self.look("actions begun").await;
        self.port.begin(target, request).await
    }

    async fn look(&self, target: &Target, run: &ActionRun) -> Result<ActionStatus, CallError> {
        self.look("looks at actions").await;
        self.port.look(target, run).await
    }
}

impl<P: Topics> Topics for Metered<P> {
    async fn publish(&self, topic_arn: &str, message: &Message) -> Result<(), CallError> {
        self.look("Publish").await;
        self.port.publish(topic_arn, message).await
    }

    async fn topic_is_there(&self, topic_arn: &str) -> Result<bool, CallError> {
        self.look("GetTopicAttributes").await;
        self.port.topic_is_there(topic_arn).await
    }
}

impl<P: Items> Items for Metered<P> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, CallError> {
        self.store("BatchGetItem").await;
        let found = self.port.get(key).await?;
        self.meter.units(Some(found.as_ref().map_or(0, size)), &[]);
        Ok(found)
    }

    async fn query(&self, query: &Query) -> Result<Page, CallError> {
        self.store("Query").await;
        let page = self.port.query(query).await?;
        self.meter
            .units(Some(page.items.iter().map(size).sum()), &[]);
        Ok(page)
    }

    async fn index(&self, query: &IndexQuery) -> Result<Page, CallError> {
        self.store("Query").await;
        let page = self.port.index(query).await?;
        self.meter
            .units(Some(page.items.iter().map(size).sum()), &[]);
        Ok(page)
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        self.store("TransactWriteItems").await;
        let sizes: Vec<usize> = writes.iter().map(written).collect();
        self.meter.units(None, &sizes);
        self.port.transact(writes).await
    }
}

fn written(write: &Write) -> usize {
    match write {
        Write::Put { item, .. } => size(item),
        Write::Delete { .. } | Write::Check { .. } => 1,
    }
}

/// The size of an item as DynamoDB counts it, or nearly.
pub(crate) fn size(item: &Item) -> usize {
    let key = item.key.partition.len() + item.key.sort.as_ref().map_or(0, String::len) + 20;
    let attributes = item.attributes.iter();
    key + attributes
        .map(|(name, value)| name.len() + weight(value))
        .sum::<usize>()
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Number(_) => 8,
        Value::Flag(_) => 1,
        Value::TextSet(texts) => texts.iter().map(String::len).sum(),
        Value::List(values) => 3 + values.iter().map(|value| 1 + weight(value)).sum::<usize>(),
        Value::Map(values) => {
            let pairs = values.iter();
            3 + pairs
                .map(|(name, value)| 1 + name.len() + weight(value))
                .sum::<usize>()
        }
    }
}
