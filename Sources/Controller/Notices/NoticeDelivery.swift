import EventLog
import Foundation
import Lifecycle
import NIOSSL

/// Tells one receiver of one event. What went wrong is said without anything of a URL beyond its host, and without what a
/// receiver answered: both may hold secrets.
struct NoticeDelivery: Sendable {
    let home: Home
    let logID: String
    let source: EventSource
    let environment: [String: String]
    let prober: Prober
    /// What commands write is appended to it.
    let outputLog: String

    /// - Returns: why it did not succeed, in words; nil when it did.
    func deliver(_ event: AuditRow, to receiver: NoticeReceiver) async -> String? {
        let json = CloudEvent(event, source: source).line
        switch receiver.way {
        case .command(let command): return await run(command, event, json, receiver)
        case .url(let text):
            guard let url = NoticeURL(text) else { return "its url cannot be read" }
            return await post(json, to: url, receiver)
        }
    }

    // MARK: Commands

    private func run(
        _ command: String, _ event: AuditRow, _ json: String, _ receiver: NoticeReceiver
    ) async -> String? {
        var running = userCommand(receiver)
        running.run = command
        running.input = json + "\n"
        running.environment["DWELL_EVENT_TYPE"] = event.event
        running.environment["DWELL_EVENT_POSITION"] = String(event.position)
        running.environment["DWELL_CONTROLLER"] = event.controller
        running.environment["DWELL_HOME"] = home.path
        return Self.failure(await running.perform(), receiver)
    }

    private static func failure(_ outcome: UserCommand.Outcome, _ receiver: NoticeReceiver) -> String? {
        switch outcome {
        case .exited(0): nil
        case .exited(let code): "it exited with code \(code)"
        case .timedOut: "it had not ended after \(receiver.timeoutSeconds) s and was killed"
        case .killed: "it was killed"
        case .failed(let reason): "it could not be started: \(reason)"
        }
    }

    /// Ends what an earlier process left of a run.
    func endLeftovers(of receiver: NoticeReceiver) async { _ = await userCommand(receiver).end() }

    private func userCommand(_ receiver: NoticeReceiver) -> UserCommand {
        UserCommand(
            run: "", timeoutSeconds: receiver.timeoutSeconds, environment: environment,
            mark: ProcessMark(logID: logID, receiver: EventLog.noticeKey(receiver)), workingDirectory: home.path,
            log: outputLog, resultPath: path(receiver, "code"))
    }

    private func path(_ receiver: NoticeReceiver, _ ending: String) -> String {
        let key = EventLog.noticeKey(receiver).replacing("#", with: "")
        return home.run + "/notify-\(key).\(ending)"
    }

    // MARK: URLs

    private func post(_ json: String, to url: NoticeURL, _ receiver: NoticeReceiver) async -> String? {
        var request = ReadinessProbe(path: url.path, timeoutSeconds: receiver.timeoutSeconds, postData: json)
        request.headers = [
            "Content-Type": "application/cloudevents+json; charset=UTF-8", "User-Agent": "dwell", "Host": url.authority,
        ]
        request.headers.merge(receiver.headers) { $1 }
        do {
            let status = try await prober.post(
                Endpoint(host: url.host, port: url.port), request, tls: url.isSecure ? try tls() : nil)
            return (200..<300).contains(status) ? nil : "HTTP \(status)"
        } catch {
            return Prober.inWords(error, timeoutSeconds: receiver.timeoutSeconds)
        }
    }

    /// Trusts whom this machine trusts, or whom the file does that SSL_CERT_FILE names, as OpenSSL does.
    private func tls() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let file = environment["SSL_CERT_FILE"], !file.isEmpty { configuration.trustRoots = .file(file) }
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}

/// Where notices are posted.
public struct NoticeURL: Hashable, Sendable {
    public let isSecure: Bool
    public let host: String
    public let port: UInt16
    /// Path and query.
    public let path: String
    /// Host, and port where it is not the one that goes without saying: what the server is told it was asked as.
    public let authority: String

    /// Nil for what is no URL of http or https, or has a user's name in it.
    public init?(_ text: String) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty, parts.user == nil,
            let port = UInt16(exactly: parts.port ?? Self.standardPort(scheme)), port > 0
        else { return nil }
        isSecure = scheme == "https"
        self.host = host
        self.port = port
        authority = port == Self.standardPort(scheme) ? host : Endpoint(host: host, port: port).description
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        self.path = path + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
    }

    private static func standardPort(_ scheme: String) -> Int { scheme == "https" ? 443 : 80 }
}
