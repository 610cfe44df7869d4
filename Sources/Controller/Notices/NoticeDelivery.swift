import EventLog
import Foundation
import Lifecycle

/// Tells one receiver of one event. What went wrong is said without anything of a URL beyond its host, and without what a
/// receiver answered: both may hold secrets.
struct NoticeDelivery: Sendable {
    let home: Home
    let logID: String
    let environment: [String: String]
    let prober: Prober
    /// What commands write is appended to it.
    let outputLog: String

    /// - Returns: why it did not succeed, in words; nil when it did.
    func deliver(_ event: AuditRow, to receiver: NoticeReceiver) async -> String? {
        let json = CloudEvent(event, logID: logID).line
        switch receiver.way {
        case .command(let command): return await run(command, event, json, receiver)
        case .url(let text):
            guard let url = NoticeURL(text) else { return "its url cannot be read" }
            guard url.isSecure else { return await post(json, to: url, receiver) }
            return await postByCurl(json, to: text, receiver)
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

    private static let contentType = "application/cloudevents+json; charset=UTF-8"

    private func post(_ json: String, to url: NoticeURL, _ receiver: NoticeReceiver) async -> String? {
        var request = ReadinessProbe(path: url.path, timeoutSeconds: receiver.timeoutSeconds, postData: json)
        request.headers = ["Content-Type": Self.contentType, "User-Agent": "dwell"]
        request.headers.merge(receiver.headers) { $1 }
        do {
            let status = try await prober.post(Endpoint(host: url.host, port: url.port), request)
            return Self.failure(ofStatus: Int(status))
        } catch {
            return Prober.inWords(error, timeoutSeconds: receiver.timeoutSeconds)
        }
    }

    private static func failure(ofStatus status: Int) -> String? {
        (200..<300).contains(status) ? nil : "HTTP \(status)"
    }

    /// `https` is curl's matter. What it is to do is in a file: the arguments of a process are for everybody to read.
    private func postByCurl(_ json: String, to url: String, _ receiver: NoticeReceiver) async -> String? {
        let (settings, body, answer) = (path(receiver, "curl"), path(receiver, "json"), path(receiver, "status"))
        defer { for path in [settings, body, answer] { unlink(path) } }
        var headers = ["Content-Type": Self.contentType, "User-Agent": "dwell", "Expect": ""]
        headers.merge(receiver.headers) { $1 }
        var lines = ["url = \(Self.quoted(url))", "data-binary = \(Self.quoted("@" + body))", "silent"]
        lines += headers.sorted { $0.key < $1.key }.map { "header = \(Self.quoted("\($0.key): \($0.value)"))" }
        lines += [
            "output = /dev/null", "write-out = \"%{http_code}\"", "max-time = \(receiver.timeoutSeconds)",
            "proto = \"=https\"",
        ]
        guard Self.write(lines.joined(separator: "\n") + "\n", to: settings), Self.write(json, to: body) else {
            return "cannot write in \(home.run): \(String(cString: strerror(errno)))"
        }
        var running = userCommand(receiver)
        running.run = "exec curl --disable --config \"$DWELL_CURL\""
        running.environment["DWELL_CURL"] = settings
        running.log = answer
        running.outputLimit = 16
        // curl keeps to its own limit first.
        running.timeoutSeconds = receiver.timeoutSeconds + 2
        switch await running.perform() {
        case .exited(0):
            let status = (try? String(contentsOfFile: answer, encoding: .utf8)).flatMap { Int($0) }
            return status.map { Self.failure(ofStatus: $0) } ?? "curl did not say what the answer was"
        case .exited(let code): return Self.curlInWords(code, receiver)
        case let outcome: return "curl: " + (Self.failure(outcome, receiver) ?? "")
        }
    }

    private static func curlInWords(_ code: Int, _ receiver: NoticeReceiver) -> String {
        switch code {
        case 6: "its host cannot be found"
        case 7: "connection refused"
        case 28: "no answer within \(receiver.timeoutSeconds) s (timeout)"
        case 35, 60: "its certificate or TLS is not accepted (curl \(code))"
        case 52: "the connection was closed without an answer"
        case 127: "there is no curl, which https needs"
        default: "curl exited with code \(code)"
        }
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private static func write(_ text: String, to path: String) -> Bool {
        unlink(path)
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        let bytes = Array(text.utf8)
        return Foundation.write(file, bytes, bytes.count) == bytes.count
    }
}

/// Where notices are posted.
public struct NoticeURL: Hashable, Sendable {
    public let isSecure: Bool
    public let host: String
    public let port: UInt16
    /// Path and query.
    public let path: String

    /// Nil for what is no URL of http or https, or has a user's name in it.
    public init?(_ text: String) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty, parts.user == nil,
            let port = UInt16(exactly: parts.port ?? (scheme == "https" ? 443 : 80)), port > 0
        else { return nil }
        isSecure = scheme == "https"
        self.host = host
        self.port = port
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        self.path = path + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
    }
}
