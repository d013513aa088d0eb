//! Lists of DRS, to their last page.

use aws_sdk_drs::operation::describe_jobs::builders::DescribeJobsFluentBuilder;
use aws_sdk_drs::operation::describe_recovery_instances::builders::DescribeRecoveryInstancesFluentBuilder;
use aws_sdk_drs::operation::describe_recovery_snapshots::builders::DescribeRecoverySnapshotsFluentBuilder;
use aws_sdk_drs::types::RecoverySnapshot;
use drs_engine::ports::{CallError, Job, RecoveryInstance};

use super::{DESCRIBE_INSTANCES, DESCRIBE_JOBS, DESCRIBE_SNAPSHOTS, all, translate};

/// Jobs.
pub(super) async fn jobs(call: &DescribeJobsFluentBuilder) -> Result<Vec<Job>, CallError> {
    let jobs = all(DESCRIBE_JOBS, |token| {
        let call = call.clone().set_next_token(token);
        async move {
            let page = call
                .send()
                .await
                .map_err(|error| DESCRIBE_JOBS.failed(&error))?;
            Ok((page.items.unwrap_or_default(), page.next_token))
        }
    })
    .await?;
    Ok(jobs.into_iter().filter_map(translate::job).collect())
}

/// Recovery instances.
pub(super) async fn instances(
    call: &DescribeRecoveryInstancesFluentBuilder,
) -> Result<Vec<RecoveryInstance>, CallError> {
    let instances = all(DESCRIBE_INSTANCES, |token| {
        let call = call.clone().set_next_token(token);
        async move {
            let page = call
                .send()
                .await
                .map_err(|error| DESCRIBE_INSTANCES.failed(&error))?;
            Ok((page.items.unwrap_or_default(), page.next_token))
        }
    })
    .await?;
    Ok(instances
        .into_iter()
        .filter_map(translate::recovery_instance)
        .collect())
}

/// Points in time, in DRS's words.
pub(super) async fn snapshots(
    call: &DescribeRecoverySnapshotsFluentBuilder,
) -> Result<Vec<RecoverySnapshot>, CallError> {
    all(DESCRIBE_SNAPSHOTS, |token| {
        let call = call.clone().set_next_token(token);
        async move {
            let page = call
                .send()
                .await
                .map_err(|error| DESCRIBE_SNAPSHOTS.failed(&error))?;
            Ok((page.items.unwrap_or_default(), page.next_token))
        }
    })
    .await
}
