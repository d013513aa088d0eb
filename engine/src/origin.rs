//! Where source servers run, seen from the history: a Region that fails takes both.
//!
//! DRS recovers servers out of a Region that fails. When the tables live in that Region, the history is out of reach just
//! when it is needed. That refuses nothing; a person should know it in time.

use crate::ports::SourceServer;
use crate::resolve::some_of;

/// The servers that run in a Region.
pub fn in_region<'a>(
    region: &str,
    servers: impl IntoIterator<Item = &'a SourceServer>,
) -> Vec<&'a SourceServer> {
    let is_there = |server: &&SourceServer| server.origin_region.as_deref() == Some(region);
    servers.into_iter().filter(is_there).collect()
}

/// What somebody should know about tables in a Region that these servers run in; none where none does.
pub fn warning<'a>(
    history_region: &str,
    servers: impl IntoIterator<Item = &'a SourceServer>,
) -> Option<String> {
    let there = in_region(history_region, servers);
    if there.is_empty() {
        return None;
    }
    let names: Vec<String> = there.iter().map(|server| server.hostname.clone()).collect();
    Some(format!(
        "the history is in {history_region}, and so are the servers {}: when that Region fails, the tables are out of \
         reach too. Keep the tables elsewhere (`history_region`), or keep a plan file where it can be reached (`drsctl \
         plan export`)",
        some_of(&names)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ServerId;

    fn server(hostname: &str, origin: Option<&str>) -> SourceServer {
        SourceServer {
            id: ServerId::new(format!("s-{hostname}")),
            arn: String::new(),
            hostname: hostname.to_owned(),
            tags: Default::default(),
            replication_state: "CONTINUOUS".to_owned(),
            lag: None,
            last_launch_result: None,
            operating_system: None,
            origin_region: origin.map(str::to_owned),
        }
    }

    #[test]
    fn servers_that_run_where_the_tables_are_are_named() {
        let servers = [
            server("db-1", Some("eu-central-1")),
            server("web-1", Some("eu-west-1")),
            server("mail", None),
        ];
        assert_eq!(in_region("eu-west-1", &servers), [&servers[1]]);
        assert_eq!(warning("us-east-1", &servers), None);
        let told = warning("eu-central-1", &servers).unwrap();
        assert!(told.contains("the servers db-1: when"), "{told}");
    }
}
