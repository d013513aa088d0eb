//! `drs_source_server`: one source server, by its id or its host name.

use drs_engine::ids::{ServerId, Target};
use drs_engine::ports::{Drs as _, SourceServer as Found};
use tfplugin::{
    Attr, Attribute, Context, DataSource, Diagnostic, Diagnostics, Outcome, Schema, async_trait,
};

use super::place;
use super::read_only::read_only;
use super::server::{self, Server};
use crate::client::Client;
use crate::diagnose;
use crate::resources::server_id_problem;

/// The data source.
pub(crate) struct SourceServer;

#[async_trait]
impl DataSource for SourceServer {
    type Model = Server;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_source_server"
    }

    fn schema(&self) -> Schema {
        let mut schema = Schema::new(
            "One source server, by its id or its host name, and the protection group that lists it. None, or several of that \
             host name, is an error; `drs_source_servers` finds any number.",
        );
        for (name, attribute) in server::attributes() {
            schema = schema.attribute(name, read_only(attribute));
        }
        let named = |what: &str| Attribute::string().optional().computed().describe(what);
        schema
            .attribute(
                "id",
                named("Id of the source server. Exactly one of this and `hostname` is set."),
            )
            .attribute(
                "hostname",
                named(
                    "Host name as the agent reported it, exactly. Exactly one of this and `id` is set.",
                ),
            )
            .attribute("account_id", place::account_id())
            .attribute("region", place::region())
    }

    async fn validate(&self, config: Server) -> Diagnostics {
        let mut found = Diagnostics::new();
        match (&config.id, &config.hostname) {
            (Attr::Null, Attr::Null) => found.error_at(
                "id",
                "Which Source Server?",
                "Set id, or hostname, to read one source server.",
            ),
            (Attr::Known(_), Attr::Known(_)) => found.error_at(
                "hostname",
                "Which Source Server?",
                "Both id and hostname are set. Remove one of the two.",
            ),
            _ => {}
        }
        if let Some(problem) = config.id.known().and_then(|id| server_id_problem(id)) {
            found.error_at("id", "Invalid Source Server ID", problem);
        }
        found
    }

    async fn read(
        &self,
        cx: &Context<Client>,
        config: Server,
    ) -> Result<Outcome<Server>, Diagnostics> {
        let client = cx.client()?;
        let target = place::of(client, &config.account_id, &config.region).await?;
        let ids = config.id.known().map(|id| vec![ServerId::new(id.as_str())]);
        let drs = client.session().drs();
        let servers = drs.source_servers(&target, ids.as_deref()).await;
        let mut servers = servers.map_err(|error| diagnose::call(&error, &target))?;
        let hostname = config.hostname.known();
        servers.retain(|server| hostname.is_none_or(|wanted| *wanted == server.hostname));
        if servers.len() != 1 {
            return Err(not_one(&config, &target, &servers).into());
        }
        let shown = server::shown(client, &target, servers).await?;
        Ok(Outcome {
            state: shown.into_iter().next(),
            ..Outcome::gone()
        })
    }
}

/// Why there is not exactly one.
fn not_one(config: &Server, target: &Target, found: &[Found]) -> Diagnostic {
    if !found.is_empty() {
        let ids: Vec<String> = found.iter().map(|server| server.id.to_string()).collect();
        let detail = format!(
            "{} source servers of {target} have this host name: {}. Name one of them by its id.",
            found.len(),
            ids.join(", ")
        );
        return Diagnostic::error("Several Source Servers", detail).at("hostname");
    }
    let (attribute, what) = match config.id.known() {
        Some(id) => ("id", format!("the id {id}")),
        None => ("hostname", "this host name".to_owned()),
    };
    let detail = format!(
        "DRS knows no source server with {what} in {target}. The data source drs_source_servers, and `aws drs \
         describe-source-servers`, list those that it knows; look in another Region with region."
    );
    Diagnostic::error("Source Server Not Found", detail).at(attribute)
}
