import Foundation
import Lifecycle
import ServiceFile
import Testing

/// `notify` of `config.yaml`.
@Suite struct Notify {
    private func receivers(_ text: String) throws -> [NoticeReceiver] {
        let folder = try Folder()
        let path = try folder.write(text, to: "config.yaml")
        let all = try Configuration.load(path: path).receivers
        #expect(try Configuration.receivers(path: path) == all)
        return all
    }

    @Test func receiversAreRead() throws {
        let receivers = try receivers(
            """
            notify:
              - name: pager
                url: https://hooks.example.org:8443/secret/path?token=1
                headers: {Authorization: Bearer abc, X-Level: 3}
                on: [controller.stopped, dwell.service.*]
                controllers: [prod, "team-*"]
                timeout: 3s
              - command: ./tell.sh
              - {url: "http://127.0.0.1:9000"}
            """)
        try #require(receivers.count == 3)
        #expect(receivers[0].name == "pager" && receivers[0].label == "pager")
        #expect(receivers[0].way == .url("https://hooks.example.org:8443/secret/path?token=1"))
        #expect(receivers[0].headers == ["Authorization": "Bearer abc", "X-Level": "3"])
        #expect(receivers[0].selection.controllers == ["prod", "team-*"])
        #expect(
            receivers[0].selection.types
                == EventType.allCases.filter { $0 == .controllerStopped || $0.rawValue.hasPrefix("service.") })
        #expect(receivers[0].timeoutSeconds == 3)
        #expect(receivers[1].way == .command("./tell.sh") && receivers[1].label == "command 2")
        #expect(receivers[1].selection == NoticeSelection() && receivers[1].timeoutSeconds == 10)
        #expect(receivers[2].label == "http://127.0.0.1:9000")
    }

    @Test(arguments: [
        ("*", EventType.allCases), ("controller.stop*", [.controllerStopping, .controllerStopped]),
        (
            "[controller.stopped, controller.stop*, service.gone]",
            [.controllerStopping, .controllerStopped, .serviceGone]
        ),
        ("replica.read?", [.replicaReady]),
    ])
    func aPatternPicksTypes(_ on: String, _ types: [EventType]) throws {
        #expect(try receivers("notify: {command: x, on: \(on == "*" ? "\"*\"" : on)}\n")[0].selection.types == types)
    }

    /// Whoever does not say what wants to hear of every end and every change of status, and not of every replica.
    @Test func theStandardSelection() throws {
        let types = try receivers("notify: {command: x}\n")[0].selection.types
        #expect(types.contains(.controllerStopped) && !types.contains { $0.rawValue.hasPrefix("replica.") })
    }

    /// What people read of a receiver without a name is no more of its URL than this.
    @Test func oneReceiverNeedsNoListAndShowsItsHostOnly() throws {
        let one = try receivers("notify: {url: \"https://hooks.example.org/T0/B0/s3cret\"}\n")
        #expect(one.map(\.label) == ["https://hooks.example.org"])
    }

    @Test func aFileThatSaysNothingOfItNamesNobody() throws {
        #expect(try receivers("load_balancer: {host: 127.0.0.1}\n") == [])
        #expect(try Configuration.receivers(path: "/nonexistent/config.yaml") == [])
    }

    @Test(arguments: [
        ("notify: pager", "notify: must be a list of {command: …} and {url: …}"),
        ("notify: [pager]", "notify: must be {command: …} or {url: …}"),
        ("notify: [{name: x}]", "notify[0]: needs a `command` or a `url`, one of them"),
        ("notify: [{command: a, url: \"http://b\"}]", "notify[0]: needs a `command` or a `url`, one of them"),
        ("notify: [{command: \" \"}]", "notify[0].command: must be a command for bash"),
        ("notify: [{url: \"ftp://s3cret\"}]", "notify[0].url: must be a URL of http or https"),
        ("notify: [{url: \"http://ann:s3cret@host/\"}]", "notify[0].url: must be a URL without a user and a password"),
        ("notify: [{url: \"http://h/s3cret x\"}]", "notify[0].url: must be a URL of http or https"),
        ("notify: [{url: \"http://h:0/s3cret\"}]", "notify[0].url: must be a URL of http or https"),
        ("notify: [{command: a, headers: {A: b}}]", "notify[0].headers: belongs to a `url`"),
        ("notify: [{url: \"http://h\", headers: {\"A b\": c}}]", "notify[0].headers: must be names and values"),
        (
            "notify: [{url: \"http://h\", headers: {A: \"s3cret\\r\\nX: y\"}}]",
            "notify[0].headers: must be names and values"
        ),
        ("notify: [{command: a, on: controller.stoped}]", "did you mean controller.stopped?"),
        ("notify: [{command: a, on: [3]}]", "notify[0].on: must be types of events"),
        ("notify: [{command: a, controllers: [\"a b\"]}]", "notify[0].controllers: must be names of controllers"),
        ("notify: [{command: a, timeout: 0s}]", "notify[0].timeout: must be a time of 0.1 s to an hour"),
        ("notify: [{command: a, timeout: soon}]", "notify[0].timeout: must be a time of 0.1 s to an hour"),
        ("notify: [{command: a}, {command: a}]", "notify[1]: is there already; give each a `name` of its own"),
        ("notify: [{name: a, command: a}, {name: a, command: b}]", "notify[1]: is there already"),
        ("notify: [{name: \"../x\", command: a}]", "notify[0].name: cannot be a name"),
        ("notify: [{commnd: a, command: b}]", "did you mean `command`?"),
    ])
    func whatMakesNoSenseGetsALine(_ text: String, _ says: String) throws {
        let failure = #expect(throws: FileProblems.self) { try receivers(text + "\n") }
        let lines = failure?.lines ?? []
        #expect(lines.count == 1 && lines[0].contains(says), "\(lines)")
        #expect(lines.allSatisfy { $0.contains("config.yaml:1: ") && !$0.contains("s3cret") }, "\(lines)")
    }
}
