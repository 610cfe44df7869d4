import EventLog
import Foundation
import Lifecycle

/// `dwell status --json`: one object with `controllers`, `services`, `replicas` and `receivers`. Times are seconds
/// since 1970, spans are seconds.
struct StatusJSON: Encodable {
    private let controllers: [Controller]
    private let services: [Service]
    private let replicas: [Replica]
    private let receivers: [Receiver]

    init(_ view: StatusView) {
        controllers = view.controllers.map { Controller($0, view) }
        services = view.services.map(Service.init)
        replicas = view.replicas.map(Replica.init)
        receivers = view.lags.map(Receiver.init)
    }

    var text: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    private struct Controller: Encodable {
        var name: String
        var status: String
        @OrNull var reason: String?
        var services: Int
        var liveServices: Int
        @OrNull var idleSeconds: Double?
        /// The window; null for never.
        @OrNull var autostopIdleSeconds: Double?
        var autostopSource: String
        @OrNull var autostopInSeconds: Double?
        @OrNull var autostopAt: Double?
        var down: Bool
        @OrNull var terminateAfterSeconds: Double?
        @OrNull var pausedBy: String?
        @OrNull var pausedReason: String?
        @OrNull var pausedUntil: Double?
        @OrNull var heldUntil: Double?
        @OrNull var startedAt: Double?
        var recoveries: Int
        var willStartAgain: Bool
        var failedHooks: [FailedRun]

        init(_ row: ControllerRow, _ view: StatusView) {
            name = row.name
            status = row.status
            reason = row.reason
            services = view.serviceCount(of: row)
            liveServices = view.liveServices(of: row)
            idleSeconds = seconds(view.idleTime(of: row))
            autostopIdleSeconds = row.idleTimeoutSeconds
            autostopSource = row.policySource
            let remaining = view.autostopRemaining(of: row)
            autostopInSeconds = seconds(remaining)
            autostopAt = seconds(view.autostopAt(of: row))
            down = row.down
            terminateAfterSeconds = row.terminateAfterSeconds
            pausedBy = row.pausedBy
            pausedReason = row.pausedReason
            pausedUntil = seconds(row.pausedUntilMicroseconds)
            heldUntil = seconds(view.heldStart(of: row)?.shownMicroseconds(at: view.now))
            startedAt = seconds(row.startedAtMicroseconds)
            recoveries = row.recoveries
            willStartAgain = row.startAgain
            failedHooks = view.sights[row.name]?.failedHooks.map(FailedRun.init) ?? []
        }
    }

    /// Of a hook.
    private struct FailedRun: Encodable {
        var hook: String
        var outcome: String
        @OrNull var endedAt: Double?

        init(_ failed: FailedHook) {
            hook = failed.kind.rawValue
            outcome = failed.outcome.inWords
            endedAt = seconds(failed.atMicroseconds)
        }
    }

    private struct Service: Encodable {
        var name: String
        var controller: String
        var version: Int
        var status: String
        @OrNull var reason: String?
        var endpoint: String
        var readyReplicas: Int
        var replicas: Int
        @OrNull var requestedAt: Double?
        var requestedBy: String
        @OrNull var readySince: Double?

        init(_ row: ServiceRow) {
            name = row.name
            controller = row.controller
            version = row.version
            status = row.status
            reason = row.reason
            endpoint = row.endpoint
            readyReplicas = row.readyReplicas
            replicas = row.wantedReplicas
            requestedAt = seconds(row.requestedAtMicroseconds)
            requestedBy = row.requestedBy
            readySince = seconds(row.readySinceMicroseconds)
        }
    }

    private struct Replica: Encodable {
        var service: String
        var controller: String
        var id: Int
        var version: Int
        var status: String
        @OrNull var reason: String?
        @OrNull var endpoint: String?
        @OrNull var launchedAt: Double?
        @OrNull var since: Double?

        init(_ row: ReplicaRow) {
            service = row.service
            controller = row.controller
            id = row.id
            version = row.version
            status = row.status
            reason = row.reason
            endpoint = row.endpoint.map { "http://\($0)" }
            launchedAt = seconds(row.launchedAtMicroseconds)
            since = seconds(row.sinceMicroseconds)
        }
    }

    /// Of notices.
    private struct Receiver: Encodable {
        var name: String
        var delivered: Int
        var undelivered: Int
        @OrNull var undeliveredSince: Double?
        var failures: Int
        @OrNull var error: String?
        @OrNull var retryAt: Double?

        init(_ lag: NoticeLag) {
            name = lag.receiver.label
            delivered = lag.receiver.delivered
            undelivered = lag.undelivered
            undeliveredSince = seconds(lag.sinceMicroseconds)
            failures = lag.receiver.failures
            error = lag.receiver.error
            retryAt = seconds(lag.receiver.retryAtMicroseconds)
        }
    }
}

/// A value whose key is there also when it has none, so that whoever reads finds the same keys always.
@propertyWrapper
private struct OrNull<Value: Encodable>: Encodable {
    var wrappedValue: Value?

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
    }
}

private func seconds(_ microseconds: Int64?) -> Double? {
    microseconds.map { Double($0) / 1_000_000 }
}
