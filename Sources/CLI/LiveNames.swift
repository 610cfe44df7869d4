import ArgumentParser
import EventLog
import Foundation

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
    static var report: StatusReport? {
        let home = Home(environment: ProcessInfo.processInfo.environment)
        guard access(home.database, F_OK) == 0, let log = try? EventLog(home: home, busyTimeoutSeconds: 0.2) else {
            return nil
        }
        return try? log.status()
    }
}
