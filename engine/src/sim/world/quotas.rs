//! The quotas of an account and Region, and how Service Quotas tells them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::ApiError;
use crate::limits;

/// The services that have quotas here, with their names.
const SERVICES: [(&str, &str); 2] = [
    (DRS, "AWS Elastic Disaster Recovery"),
    (EC2, "Amazon Elastic Compute Cloud (Amazon EC2)"),
];
const DRS: &str = "drs";
const EC2: &str = "ec2";
/// Quotas on a page when the caller does not say how many.
const PAGE_SIZE: u64 = 100;

/// The quotas of one account and Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Jobs in progress at the same time (L-D88FAC3A).
    pub jobs: u32,
    /// Source servers in one job (L-B827C881).
    pub servers_per_job: u32,
    /// Source servers in all jobs (L-05AFA8C6).
    pub servers_in_jobs: u32,
    /// Source servers that replicate (L-C1D14A2B).
    pub replicating_servers: u32,
    /// Source servers (L-E28BE5E0).
    pub source_servers: u32,
    /// vCPUs of running On-Demand Standard instances, a quota of EC2 (L-1216C47A).
    pub standard_vcpus: u32,
}

impl Quotas {
    /// The quotas of a service, each with its code and its name; none for a service that has none here.
    fn of_service(&self, service: &str) -> Option<Vec<Quota>> {
        match service {
            DRS => Some(self.listed().into()),
            EC2 => Some(vec![(
                STANDARD_VCPUS,
                "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
                self.standard_vcpus,
            )]),
            _ => None,
        }
    }

    /// Every quota of DRS with its code and its name.
    fn listed(&self) -> [Quota; 6] {
        [
            (JOBS, "Concurrent jobs in progress", self.jobs),
            (
                SERVERS_PER_JOB,
                "Max source servers in a single Job",
                self.servers_per_job,
            ),
            (
                SERVERS_IN_JOBS,
                "Max source servers in all Jobs",
                self.servers_in_jobs,
            ),
            (JOBS_PER_SERVER, "Max concurrent Jobs per source server", 1),
            (
                REPLICATING_SERVERS,
                "Max Total replicating source servers Per AWS Account",
                self.replicating_servers,
            ),
            (
                SOURCE_SERVERS,
                "Max Total source servers Per AWS Account",
                self.source_servers,
            ),
        ]
    }
}

impl Default for Quotas {
    fn default() -> Self {
        let limits::Quotas {
            jobs,
            servers_per_job,
            servers_in_jobs,
        } = limits::Quotas::default();
        Self {
            jobs,
            servers_per_job,
            servers_in_jobs,
            replicating_servers: 300,
            source_servers: u32::try_from(limits::SERVERS_PER_TARGET).unwrap_or(u32::MAX),
            standard_vcpus: 10_000,
        }
    }
}

pub(super) const JOBS: &str = "L-D88FAC3A";
pub(super) const SERVERS_PER_JOB: &str = "L-B827C881";
pub(super) const SERVERS_IN_JOBS: &str = "L-05AFA8C6";
pub(super) const JOBS_PER_SERVER: &str = "L-DD6D028C";
pub(super) const REPLICATING_SERVERS: &str = "L-C1D14A2B";
pub(super) const SOURCE_SERVERS: &str = "L-E28BE5E0";
const STANDARD_VCPUS: &str = "L-1216C47A";

/// A quota: its code, its name and its value.
type Quota = (&'static str, &'static str, u32);

/// One quota, as `GetServiceQuota` tells it.
pub(super) fn one(quotas: &Quotas, place: Place<'_>, input: &Value) -> Result<Value, ApiError> {
    let (service, listed) = of_service(quotas, input)?;
    let code = input["QuotaCode"].as_str().unwrap_or_default();
    let found = listed.into_iter().find(|(own, ..)| *own == code);
    let quota = found.ok_or_else(|| {
        no_such("The request failed because the specified service quota does not exist.")
    })?;
    Ok(json!({"Quota": view(place, service, quota)}))
}

/// All quotas, as `ListServiceQuotas` tells them. The token is the code that the page before ended with.
pub(super) fn list(quotas: &Quotas, place: Place<'_>, input: &Value) -> Result<Value, ApiError> {
    let (service, mut listed) = of_service(quotas, input)?;
    listed.sort_unstable_by_key(|(code, ..)| *code);
    let size = input["MaxResults"]
        .as_u64()
        .unwrap_or(PAGE_SIZE)
        .clamp(1, PAGE_SIZE);
    let after = input["NextToken"].as_str().unwrap_or_default();
    let mut rest = listed
        .into_iter()
        .filter(|(code, ..)| *code > after)
        .peekable();
    let mut page = Vec::new();
    let mut last = "";
    while (page.len() as u64) < size
        && let Some(quota) = rest.next()
    {
        last = quota.0;
        page.push(view(place, service, quota));
    }
    let mut answer = json!({"Quotas": page});
    if rest.peek().is_some() {
        answer["NextToken"] = json!(last);
    }
    Ok(answer)
}

/// The account and Region whose quotas are told.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) account_id: &'a str,
    pub(super) region: &'a str,
}

fn view(
    place: Place<'_>,
    (service, service_name): (&str, &str),
    (code, name, value): Quota,
) -> Value {
    let Place { account_id, region } = place;
    let partition = super::wire::partition(region);
    json!({
        "ServiceCode": service,
        "ServiceName": service_name,
        "QuotaArn": format!("arn:{partition}:servicequotas:{region}:{account_id}:{service}/{code}"),
        "QuotaCode": code,
        "QuotaName": name,
        "Value": f64::from(value),
        "Unit": "None",
        "Adjustable": matches!(code, SOURCE_SERVERS | STANDARD_VCPUS),
        "GlobalQuota": false,
    })
}

/// The service that is asked about, and its quotas.
fn of_service(
    quotas: &Quotas,
    input: &Value,
) -> Result<((&'static str, &'static str), Vec<Quota>), ApiError> {
    let service = SERVICES
        .iter()
        .find(|(code, _)| input["ServiceCode"] == *code);
    let found = service.and_then(|service| Some((*service, quotas.of_service(service.0)?)));
    found.ok_or_else(|| no_such("The request failed because the specified service does not exist."))
}

fn no_such(message: &str) -> ApiError {
    ApiError::new("NoSuchResourceException", 400, message)
}
