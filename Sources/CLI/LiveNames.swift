import ArgumentParser
import EventLog
import Foundation
import Lifecycle

// What the shell offers after Tab: the names there are now, from the log. Whatever goes wrong, nothing is offered.

extension CompletionKind {
    /// Names of services.
    static var services: CompletionKind {
        .custom { _, _, _ in LiveNames.report.map { $0.services.map(\.name) } ?? [] }
    }

    /// Names of controllers.
    static var controllers: CompletionKind {
        .custom { _, _, _ in LiveNames.report.map { $0.controllers.map(\.name) } ?? [] }
    }

    /// Names of services that the log tells of, also of those that are gone.
    static var servicesEver: CompletionKind {
        .custom { _, _, _ in LiveNames.ever?.services ?? [] }
    }

    /// The same of controllers.
    static var controllersEver: CompletionKind {
        .custom { _, _, _ in LiveNames.ever?.controllers ?? [] }
    }

    /// What `logs` takes: services, unless a controller's own log is asked for.
    static var loggedNames: CompletionKind {
        .custom { words, _, _ in
            words.contains("--controller")
                ? LiveNames.report?.controllers.map(\.name) ?? [] : LiveNames.ever?.services ?? []
        }
    }

    /// Types of events.
    static var eventTypes: CompletionKind { .list(EventType.allCases.map(\.rawValue)) }

    /// Moments: the beginning of what people write, and what is written often.
    static var times: CompletionKind {
        .list(["now", "10m", "1h", "12h", "24h", "7d", "30d"])
    }

    /// Who did something, as the log tells: people, and components.
    static var actorsEver: CompletionKind {
        .custom { _, _, _ in LiveNames.actors ?? [] }
    }

    /// Names of both.
    static var names: CompletionKind {
        .custom { _, _, _ in
            LiveNames.report.map { report in
                Array(Set(report.services.map(\.name) + report.controllers.map(\.name))).sorted()
            } ?? []
        }
    }
}

private enum LiveNames {
    /// Nil also where there is no log: pressing Tab makes none.
    static var report: StatusReport? { log.flatMap { try? $0.status() } }

    static var ever: KnownNames? { log.flatMap { try? $0.knownNames() } }

    static var actors: [String]? { log.flatMap { try? $0.knownActors() } }

    private static var log: EventLog? {
        let home = Home(environment: ProcessInfo.processInfo.environment)
        guard access(home.database, F_OK) == 0, let log = try? EventLog(home: home, busyTimeoutSeconds: 0.2) else {
            return nil
        }
        return log
    }
}
