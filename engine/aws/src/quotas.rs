//! The DRS quotas of the account, where Service Quotas can be read; else the documented ones.

use std::time::Instant;

use aws_sdk_servicequotas::types::ServiceQuota;
use drs_engine::limits::Quotas;
use drs_engine::ports::CallError;
use tokio::sync::Mutex;

use crate::classify::Call;
use crate::drs::all;
use crate::limits;

/// The call that lists quotas.
pub(crate) const LIST_QUOTAS: Call = Call::reads("servicequotas:ListServiceQuotas");

/// Reads quotas, and remembers them for a while: they change by a request to AWS, not by the minute.
#[derive(Debug)]
pub(crate) struct ReadQuotas {
    client: aws_sdk_servicequotas::Client,
    last: Mutex<Option<(Instant, Quotas)>>,
}

impl ReadQuotas {
    pub(crate) fn new(client: aws_sdk_servicequotas::Client) -> Self {
        Self {
            client,
            last: Mutex::default(),
        }
    }

    /// The client, for other quotas than those of DRS.
    pub(crate) fn client(&self) -> &aws_sdk_servicequotas::Client {
        &self.client
    }

    /// The quotas. They bound how much is asked of DRS at once; DRS itself holds to its own.
    pub(crate) async fn read(&self) -> Quotas {
        let mut last = self.last.lock().await;
        if let Some((until, quotas)) = &*last
            && Instant::now() < *until
        {
            return *quotas;
        }
        let (age, quotas) = match self.list().await {
            Ok(listed) => (limits::QUOTAS_MAX_AGE, merged(&listed)),
            Err(error) => {
                tracing::warn!(
                    "the DRS quotas cannot be read, the documented ones are used: {error}"
                );
                (limits::QUOTAS_RETRY, Quotas::default())
            }
        };
        *last = Some((Instant::now() + age, quotas));
        quotas
    }

    /// Whether they can be listed.
    pub(crate) async fn try_list(&self) -> Result<(), CallError> {
        self.list().await.map(drop)
    }

    async fn list(&self) -> Result<Vec<ServiceQuota>, CallError> {
        let call = self.client.list_service_quotas().service_code("drs");
        all(LIST_QUOTAS, |token| {
            let call = call.clone().set_next_token(token);
            async move {
                let page = call
                    .send()
                    .await
                    .map_err(|error| LIST_QUOTAS.failed(&error))?;
                Ok((page.quotas.unwrap_or_default(), page.next_token))
            }
        })
        .await
    }
}

/// What is listed, over what is documented.
fn merged(listed: &[ServiceQuota]) -> Quotas {
    let documented = Quotas::default();
    let value = |code: &str, documented: u32| {
        listed
            .iter()
            .find(|quota| quota.quota_code.as_deref() == Some(code))
            .and_then(|quota| quota.value)
            .filter(|value| *value >= 1.0 && *value <= f64::from(u32::MAX))
            // In range, so nothing is cut off but a fraction that no quota has.
            .map_or(documented, |value| value as u32)
    };
    Quotas {
        jobs: value("L-D88FAC3A", documented.jobs),
        servers_per_job: value("L-B827C881", documented.servers_per_job),
        servers_in_jobs: value("L-05AFA8C6", documented.servers_in_jobs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_counts_and_nonsense_does_not() {
        let quota = |code: &str, value: f64| {
            ServiceQuota::builder()
                .quota_code(code)
                .value(value)
                .build()
        };
        let quotas = merged(&[
            quota("L-D88FAC3A", 30.0),
            quota("L-B827C881", -1.0),
            quota("L-OTHER", 7.0),
        ]);
        let documented = Quotas::default();
        assert_eq!(
            quotas,
            Quotas {
                jobs: 30,
                ..documented
            }
        );
    }
}
