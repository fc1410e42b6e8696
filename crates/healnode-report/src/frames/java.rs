//! Java, Kotlin, Scala, Clojure: `\tat shop.Cart.add(Cart.java:12)`, innermost frame first, causes behind `Caused by:`.
//!
//! The last cause decides. The frames that it does not print because they are also of the trace above (`... 12 more`) follow it.
//! What was suppressed takes no part. A frame's file is its class: the compiler's names for lambdas, closures, accessors and
//! proxies give way to the method that they were made of.

use std::borrow::Cow;

use super::text::{is_below_any, is_number};
use super::{Frame, Line};

/// Packages of the platform, of languages on it, and of frameworks and drivers that call or are called by an application.
const LIBRARIES: &[&str] = &[
    "_COROUTINE",
    "akka",
    "android",
    "androidx",
    "arrow",
    "brave",
    "cats",
    "ch.qos.logback",
    "clojure",
    "co.elastic",
    "coil",
    "com.airbnb.lottie",
    "com.alibaba",
    "com.amazonaws",
    "com.android",
    "com.auth0",
    "com.azure",
    "com.beust.jcommander",
    "com.bumptech.glide",
    "com.codahale",
    "com.datastax",
    "com.facebook.react",
    "com.fasterxml",
    "com.github.benmanes",
    "com.google",
    "com.hazelcast",
    "com.ibm",
    "com.intellij",
    "com.jakewharton",
    "com.microsoft",
    "com.mongodb",
    "com.mysql",
    "com.netflix",
    "com.nimbusds",
    "com.rabbitmq",
    "com.squareup",
    "com.stripe",
    "com.sun",
    "com.twilio",
    "com.twitter.finagle",
    "com.twitter.util",
    "com.typesafe",
    "com.vaadin",
    "com.zaxxer",
    "compojure",
    "dagger",
    "dalvik",
    "doobie",
    "feign",
    "freemarker",
    "fs2",
    "graphql",
    "groovy",
    "io.arrow",
    "io.circe",
    "io.cucumber",
    "io.fabric8",
    "io.grpc",
    "io.jsonwebtoken",
    "io.kotest",
    "io.ktor",
    "io.kubernetes",
    "io.lettuce",
    "io.micrometer",
    "io.micronaut",
    "io.netty",
    "io.opentelemetry",
    "io.prometheus",
    "io.quarkus",
    "io.reactivex",
    "io.sentry",
    "io.swagger",
    "io.undertow",
    "io.vertx",
    "jakarta",
    "java",
    "javafx",
    "javassist",
    "javax",
    "jdk",
    "junit",
    "kotlin",
    "kotlinx",
    "leakcanary",
    "liquibase",
    "monix",
    "munit",
    "net.bytebuddy",
    "net.sf.cglib",
    "net.sf.ehcache",
    "net.sf.jasperreports",
    "nrepl",
    "okhttp3",
    "okio",
    "oracle",
    "org.activiti",
    "org.apache",
    "org.aspectj",
    "org.assertj",
    "org.bouncycastle",
    "org.camunda",
    "org.codehaus",
    "org.eclipse",
    "org.ehcache",
    "org.elasticsearch",
    "org.flywaydb",
    "org.glassfish",
    "org.gradle",
    "org.h2",
    "org.hibernate",
    "org.http4s",
    "org.jboss",
    "org.jetbrains",
    "org.jooq",
    "org.json",
    "org.jsoup",
    "org.junit",
    "org.keycloak",
    "org.koin",
    "org.mariadb",
    "org.mockito",
    "org.mybatis",
    "org.neo4j",
    "org.opensearch",
    "org.postgresql",
    "org.quartz",
    "org.redisson",
    "org.rocksdb",
    "org.scalatest",
    "org.slf4j",
    "org.specs2",
    "org.springframework",
    "org.sqlite",
    "org.testcontainers",
    "org.testng",
    "org.thymeleaf",
    "org.typelevel",
    "org.wildfly",
    "org.xnio",
    "org.yaml",
    "picocli",
    "play",
    "py4j",
    "reactor",
    "redis.clients",
    "retrofit2",
    "ring",
    "rx",
    "sbt",
    "scala",
    "slick",
    "software.amazon",
    "sun",
    "weblogic",
    "zio",
];

/// Whether what follows `at ` is a frame.
pub(super) fn is_call(call: &str) -> bool {
    split(call).is_some()
}

/// Reads the last cause with the frames that it shares with the trace above it, or the error itself if that has none of the
/// application.
pub(super) fn read<'a>(lines: &[Line<'a>]) -> Vec<Frame<'a>> {
    let sections = sections(lines);
    let mut frames = whole(&sections, sections.len() - 1);
    if sections.len() > 1 && !frames.iter().any(|frame| frame.in_app) {
        frames = whole(&sections, 0);
    }
    frames
}

/// The frames that one error of a chain prints, and how many of the one above it go on below them.
#[derive(Default)]
struct Section<'a> {
    frames: Vec<Frame<'a>>,
    shared: usize,
}

fn sections<'a>(lines: &[Line<'a>]) -> Vec<Section<'a>> {
    let mut sections = vec![Section::default()];
    let mut suppressed: Option<usize> = None;
    for line in lines {
        if line.text.starts_with("Suppressed: ") {
            suppressed = Some(suppressed.map_or(line.indent, |indent| indent.min(line.indent)));
        } else if line.text.starts_with("Caused by: ") {
            if suppressed.is_none_or(|indent| line.indent < indent) {
                suppressed = None;
                sections.push(Section::default());
            }
        } else if line.text.starts_with("Wrapped by: ") {
            break;
        } else if suppressed.is_none()
            && let Some(section) = sections.last_mut()
        {
            section.shared = shared(line.text).unwrap_or(section.shared);
            section.frames.extend(frame(line.text));
        }
    }
    sections
}

/// The number in `... 12 more` and `... 12 common frames omitted`.
fn shared(text: &str) -> Option<usize> {
    let (number, what) = text.strip_prefix("... ")?.split_once(' ')?;
    if what == "more" || what.starts_with("common frames") { number.parse().ok() } else { None }
}

/// The frames of a section, and below them those that it shares with the ones above it.
fn whole<'a>(sections: &[Section<'a>], at: usize) -> Vec<Frame<'a>> {
    let mut frames = sections[at].frames.clone();
    let mut shared = sections[at].shared;
    for above in sections[..at].iter().rev() {
        let own = shared.saturating_sub(above.shared).min(above.frames.len());
        frames.extend_from_slice(&above.frames[above.frames.len() - own..]);
        shared = shared.min(above.shared);
    }
    frames
}

fn frame(text: &str) -> Option<Frame<'_>> {
    let (class, method, place) = split(text.strip_prefix("at ")?)?;
    let in_app = place != "<generated>" && !is_below_any(class, LIBRARIES) && !is_generated(class);
    let (file, function) = names(class, method);
    Some(Frame { path: class, file, function, in_app })
}

/// The class, the method and the place of a call.
fn split(call: &str) -> Option<(&str, &str, &str)> {
    let (path, place) = call.split_once('(')?;
    let place = place.split_once(')')?.0;
    if !is_place(place) || path.contains([' ', ':']) {
        return None;
    }
    let path = path.rsplit('/').next().unwrap_or(path);
    let (class, method) = path.rsplit_once('.')?;
    Some((class, method, place))
}

/// Whether brackets hold a source file, with or without a line, or one of the words that stand for it.
fn is_place(place: &str) -> bool {
    let (file, line) = place.split_once(':').unwrap_or((place, ""));
    matches!(file, "Native Method" | "Unknown Source" | "SourceFile" | "<generated>" | "PG" | "Proguard" | "ProGuard")
        || [".java", ".kt", ".kts", ".scala", ".groovy", ".clj", ".cljc", ".gradle", ".jsp"].iter().any(|ending| file.ends_with(ending))
        || is_number(line) && !file.is_empty() && !file.contains(['/', '\\', ' ', '.'])
}

/// Whether a class only passes a call on.
fn is_generated(class: &str) -> bool {
    class.contains('$')
        && ["$Proxy", "$$FastClass", "$$Lambda", "$MockitoMock$", "$HibernateProxy$", "$ByteBuddy$", "$auxiliary$"]
            .iter()
            .any(|mark| class.contains(mark))
}

/// The class that a person wrote, and the method that the code belongs to.
fn names<'a>(class: &'a str, method: &'a str) -> (Cow<'a, str>, Cow<'a, str>) {
    if !class.contains(['$', '_']) {
        return (Cow::Borrowed(class), Cow::Borrowed(function(method)));
    }
    let class = class.split("_$$_").next().unwrap_or(class);
    let class = ["_Subclass", "_ClientProxy", "_WeldSubclass"].iter().find_map(|ending| class.strip_suffix(ending)).unwrap_or(class);
    let mut parts = class.split('$');
    let mut name = parts.next().unwrap_or(class).to_owned();
    let mut made_of = None;
    let mut is_generated = false;
    for part in parts {
        match part {
            "" | "anonfun" | "lambda" => {}
            _ if is_number(part) || is_generated || part.starts_with("_closure") => {}
            _ if is_generator(part) => is_generated = true,
            _ if part.starts_with(|character: char| character.is_lowercase()) => made_of = made_of.or(Some(part)),
            _ => {
                name.push('$');
                name.push_str(part);
            }
        }
    }
    let method = match made_of {
        Some(made_of) if is_call_of_closure(method) => made_of.split("__").next().unwrap_or(made_of),
        _ => function(method),
    };
    (Cow::Owned(name), Cow::Borrowed(method))
}

/// Whether a part of a class name is of a library that makes classes; what follows it is a counter.
fn is_generator(part: &str) -> bool {
    part.starts_with("EnhancerBy") || part.starts_with("FastClass") || matches!(part, "SpringCGLIB" | "Lambda" | "Proxy" | "serializer")
}

/// Whether a method is the one that runs a closure, whatever it was made of.
fn is_call_of_closure(method: &str) -> bool {
    let method = method.split('$').next().unwrap_or(method);
    matches!(
        method,
        "invoke"
            | "invokeSuspend"
            | "invokeStatic"
            | "doInvoke"
            | "apply"
            | "applyOrElse"
            | "call"
            | "run"
            | "accept"
            | "get"
            | "test"
            | "emit"
    )
}

/// A method without the numbers of lambdas and accessors. `lambda$add$3` and `add$default` are `add`.
fn function(method: &str) -> &str {
    if !method.contains(['$', '-']) {
        return method;
    }
    let is_mark = |part: &str| matches!(part, "lambda" | "access" | "anonfun" | "default" | "adapted" | "suspendImpl") || is_number(part);
    let name = method.split('$').map(|part| part.split('-').next().unwrap_or(part)).find(|part| !part.is_empty() && !is_mark(part));
    name.unwrap_or("lambda")
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};
    use super::*;

    #[test]
    fn the_last_cause_decides_and_library_frames_are_left_out() {
        let stack = "shop.CartException: failed\n\tat shop.Api.post(Api.java:10)\nCaused by: java.lang.IllegalStateException: x\n\
                     \tat java.base/java.util.Objects.requireNonNull(Objects.java:233)\n\tat shop.Cart.lambda$add$3(Cart.java:12)\n\
                     \tat shop.Cart$1.run(Cart.java:9)\n\t... 12 more";
        assert_eq!(in_app_frames(stack), ["shop.Cart:add", "shop.Cart:run", "shop.Api:post"]);
        assert_eq!(language(stack), "java");
    }

    #[test]
    fn a_cause_goes_on_with_the_frames_that_it_shares() {
        let stack = "shop.CartException: failed\n\tat shop.Repo.wrap(Repo.java:10)\n\tat shop.Api.post(Api.java:10)\n\
                     \tat shop.Main.main(Main.java:3)\n\tSuppressed: java.io.IOException: y\n\t\tat shop.Repo.close(Repo.java:7)\n\
                     \t\t... 2 more\nCaused by: java.net.SocketException: x\n\tat java.base/java.net.Socket.read(Socket.java:2)\n\t... 2 more";
        assert_eq!(in_app_frames(stack), ["shop.Api:post", "shop.Main:main"]);
    }

    #[test]
    fn generated_suffixes_do_not_matter() {
        let plain = "\tat shop.Cart.add(Cart.kt:1)";
        for generated in [
            "\tat app//shop.Cart$$EnhancerBySpringCGLIB$$9f2a.add(Cart.kt:7) ~[shop-1.2.jar:?]",
            "\tat shop.Cart$add$1.invokeSuspend(Cart.kt:9)",
            "\tat shop.Cart.add$lambda-0(Cart.kt:9)",
            "\tat shop.Cart.access$add(Cart.kt:9)",
            "\tat shop.Cart$.$anonfun$add$2(Cart.scala:4)",
            "\tat shop.Cart$$anonfun$add$1.apply(Cart.scala:4)",
        ] {
            assert_eq!(in_app_frames(plain), in_app_frames(generated), "{generated}");
        }
    }

    #[test]
    fn the_list_of_libraries_is_sorted() {
        assert!(LIBRARIES.is_sorted());
        assert!(!LIBRARIES.iter().any(|library| is_below_any(library, LIBRARIES)));
    }
}
