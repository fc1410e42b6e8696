//! Which flags of which programs take a secret.
//!
//! `-p` is a password to `mysql` and a port to `ssh`, so a flag counts for its programs only. Flags that tell their secret by name,
//! such as `--token`, are not listed: `keys.rs` knows them.

use super::kind::{COOKIE, CREDENTIALS, Kind, PASSWORD};

/// A flag that takes a secret, for some programs only.
pub(crate) struct Flag {
    /// The names of the programs. Of a name with a blank, such as `docker login`, both words must stand in the command.
    programs: &'static [&'static str],
    /// The flag, as it is written.
    pub(crate) flag: &'static str,
    /// Whether the value may be the next word.
    pub(crate) takes_next: bool,
    /// Whether the value may be joined to the flag.
    pub(crate) joined: bool,
    /// What the value is.
    pub(crate) kind: Kind,
}

const fn apart(programs: &'static [&'static str], flag: &'static str, kind: Kind) -> Flag {
    Flag { programs, flag, takes_next: true, joined: false, kind }
}

const fn joined(programs: &'static [&'static str], flag: &'static str, kind: Kind) -> Flag {
    Flag { programs, flag, takes_next: false, joined: true, kind }
}

const fn either(programs: &'static [&'static str], flag: &'static str, kind: Kind) -> Flag {
    Flag { programs, flag, takes_next: true, joined: true, kind }
}

const MYSQL: &[&str] = &["mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlsh", "mariadb", "mariadb-dump"];
const MONGO: &[&str] = &["mongo", "mongosh", "mongodump", "mongorestore", "mongoimport", "mongoexport"];
const CLIENTS: &[&str] = &["cqlsh", "influx", "rabbitmqadmin", "docker login", "podman login", "helm login", "oc login", "az login"];
const LDAP: &[&str] = &["ldapsearch", "ldapmodify", "ldapadd", "ldapwhoami"];

/// Every such flag. `mysql -p` asks for the password when it is not joined.
const FLAGS: &[Flag] = &[
    joined(MYSQL, "-p", PASSWORD),
    apart(MONGO, "-p", PASSWORD),
    apart(CLIENTS, "-p", PASSWORD),
    either(&["sshpass"], "-p", PASSWORD),
    joined(&["7z", "7za", "rar", "unrar"], "-p", PASSWORD),
    apart(&["redis-cli"], "-a", PASSWORD),
    either(&["sqlcmd", "bcp", "isql", "zip", "unzip"], "-P", PASSWORD),
    either(LDAP, "-w", PASSWORD),
    apart(&["ssh-keygen"], "-N", PASSWORD),
    apart(&["ssh-keygen"], "-P", PASSWORD),
    apart(&["ipmitool", "mosquitto_pub", "mosquitto_sub"], "-P", PASSWORD),
    apart(&["psexec"], "-p", PASSWORD),
    either(&["curl"], "-u", CREDENTIALS),
    either(&["curl"], "-U", CREDENTIALS),
    apart(&["curl"], "-b", COOKIE),
    apart(&["curl"], "--cookie", COOKIE),
    apart(&["curl"], "--user", CREDENTIALS),
    apart(&["curl"], "--proxy-user", CREDENTIALS),
    apart(&["http", "https", "httpie"], "-a", CREDENTIALS),
    apart(&["smbclient", "rpcclient"], "-U", CREDENTIALS),
];

/// The flags of the programs that a command's words may name.
pub(crate) fn flags_of(programs: &[String]) -> impl Iterator<Item = &'static Flag> {
    FLAGS.iter().filter(|flag| flag.programs.iter().any(|program| are_named(program, programs)))
}

fn are_named(program: &str, words: &[String]) -> bool {
    program.split(' ').all(|part| words.iter().any(|word| word == part))
}

/// Whether a program takes a secret in a flag.
pub(crate) fn has_flags(program: &str) -> bool {
    FLAGS.iter().any(|flag| flag.programs.iter().any(|row| row.split(' ').next() == Some(program)))
}

impl Flag {
    /// Whether a value is a secret of its kind: a user alone is none, and the cookies of `curl -b` may be a file.
    pub(crate) fn is_secret(&self, value: &str) -> bool {
        match self.kind {
            CREDENTIALS => value.contains([':', '%']),
            COOKIE => value.contains('='),
            _ => true,
        }
    }
}
