import Foundation
import Testing

/// Pauses of autostop, by whom and why.
@Suite struct AutostopPauses {
    private func idle(_ sandbox: Sandbox) async throws {
        #expect(try await sandbox.dwell("start", "local").exitCode == 0)
    }

    @Test func aPausedControllerStaysAndSaysWhoPausedIt() async throws {
        try await Sandbox.run { sandbox in
            try await idle(sandbox)
            let pause = try await sandbox.dwell("autostop", "local", "--pause", "1.5s", "--reason", "demo")
            #expect(pause.exitCode == 0 && pause.out.contains("paused until"), "\(pause)")
            #expect(try await sandbox.dwell("autostop", "local", "--idle", "0.5s").exitCode == 0)
            let status = try await sandbox.dwell("status").out
            #expect(status.contains("paused until") && status.contains("demo") && status.contains("paused by"))
            try await eventually("the pause ends, the window passes, and it stops") {
                try await sandbox.status().controller().status == "STOPPED"
            }
            let events = try await sandbox.query(
                "select event from audit_log where event in ('controller.autostop_paused', 'controller.autostop_resumed', 'controller.stopping') order by position"
            )
            #expect(events == ["controller.autostop_paused", "controller.autostop_resumed", "controller.stopping"])
            let spans = try await sandbox.query(
                "select (b.at_us - a.at_us) / 1e6 from events a, events b where a.type = 'controller.autostop_paused' and b.type = 'controller.stopping'"
            )
            #expect(Double(spans.first ?? "") ?? 0 >= 2, "1.5 s of pause and then the window of 0.5 s")
        }
    }

    /// It is somebody's text, and a terminal takes some characters for orders.
    @Test func aReasonGivesTheTerminalNoOrders() async throws {
        try await Sandbox.run { sandbox in
            try await idle(sandbox)
            let reason = "\u{1b}[2Jgone\u{7}\r\u{9b}1m\u{202e}x\nController local is STOPPED"
            let told = [
                try await sandbox.dwell("autostop", "local", "--pause", "--reason", reason),
                try await sandbox.dwell("status"), try await sandbox.dwell("explain", "local"),
                try await sandbox.dwell("events"),
            ]
            for output in told {
                let orders = output.out.unicodeScalars.filter {
                    $0 != "\n" && ($0.value < 32 || (0x7f..<0xa0).contains($0.value) || $0.value == 0x202e)
                }
                #expect(output.exitCode == 0 && orders.isEmpty, "\(output)")
                #expect(output.out.contains("\\x1b[2Jgone\\x07\\x0d\\x9b1m\\u{202e}x"), "\(output)")
                #expect(!output.out.split(separator: "\n").contains { $0.hasPrefix("Controller local is STOPPED") })
            }
            let none = try await sandbox.dwell("autostop", "local", "--pause", "0")
            #expect(none.exitCode == 2 && none.errors.count == 1 && none.err.contains("--pause 2h"), "\(none)")
        }
    }

    @Test func aResumeWithoutAPauseSaysSo() async throws {
        try await Sandbox.run { sandbox in
            try await idle(sandbox)
            let resume = try await sandbox.dwell("autostop", "local", "--resume")
            #expect(resume.exitCode == 0 && resume.out.contains("is not paused: nothing to resume."), "\(resume)")
            #expect(try await sandbox.dwell("autostop", "local", "--pause").exitCode == 0)
            #expect(try await !sandbox.dwell("autostop", "local", "--resume").out.contains("nothing to resume"))
        }
    }
}
