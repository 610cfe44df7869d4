import EventLog
import Foundation
import Lifecycle
import TestKit
import Testing

@testable import Controller

@Suite struct ProcessMarks {
    private func cookie(_ controller: ControllerName = .dev, generation: Int = 7, log: String = "log") -> Cookie {
        Cookie(logID: log, controller: controller, service: .api, replica: 1, generation: generation)
    }

    @Test func aMarkTellsGenerationsControllersAndLogsApart() {
        let mark = ProcessMark(cookie())
        #expect(mark == ProcessMark(cookie()))
        #expect(mark != ProcessMark(cookie(generation: 8)))
        #expect(mark.isOfSameController(as: ProcessMark(cookie(generation: 8))))
        #expect(!mark.isOfSameController(as: ProcessMark(cookie(.prod))))
        #expect(!mark.isOfSameController(as: ProcessMark(cookie(log: "another"))))
    }

    @Test(arguments: [0, 1, 1024, UInt64.max, UInt64.max >> 1, 1 << 63])
    func aLimitThatSomebodySetIsNoMark(_ limit: UInt64) {
        #expect(ProcessMark(rawValue: limit) == nil)
    }

    @Test(arguments: [0, 1, 1 << 28, Int.max])
    func aMarkIsReadBackAsItself(_ generation: Int) {
        let mark = ProcessMark(cookie(generation: generation))
        #expect(ProcessMark(rawValue: mark.rawValue) == mark)
    }

    /// What is started without a cookie has no mark, also if who starts it has one.
    @Test func whoStartsItHasItsOwnMarkBack() async throws {
        let before = ProcessMark.of(getpid())
        let home = TemporaryHome()
        try FileManager.default.createDirectory(atPath: home.home.path, withIntermediateDirectories: true)
        func spawn(_ cookie: Cookie?) throws -> pid_t {
            try Spawn(
                executable: "sleep", arguments: ["sleep", "100"], environment: ["PATH": "/usr/bin:/bin"],
                cookie: cookie, workingDirectory: "/", log: home.home.path + "/log"
            ).start()
        }
        let marked = try spawn(cookie())
        let plain = try spawn(nil)
        defer {
            for pid in [marked, plain] {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
            }
        }
        #expect(ProcessMark.of(marked) == ProcessMark(cookie()))
        #expect(ProcessMark.of(plain) == nil)
        #expect(ProcessMark.of(getpid()) == before)
    }

    @Test func looksAtTheSameTimeAreFewAndEachIsNewEnough() async throws {
        let home = TemporaryHome()
        try FileManager.default.createDirectory(atPath: home.home.path, withIntermediateDirectories: true)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask {
                    let cookie = cookie(generation: number, log: UUID().uuidString)
                    guard
                        let pid = try? Spawn(
                            executable: "sleep", arguments: ["sleep", "100"], environment: ["PATH": "/usr/bin:/bin"],
                            cookie: cookie, workingDirectory: "/", log: home.home.path + "/log"
                        ).start()
                    else {
                        Issue.record("not started")
                        return
                    }
                    let tree = ProcessTree(cookie: cookie)
                    #expect(await tree.alive().map(\.pid) == [pid], "what was born before the look is seen")
                    kill(pid, SIGKILL)
                    waitpid(pid, nil, 0)
                    #expect(await tree.alive().isEmpty, "what ended before the look is not")
                }
            }
        }
    }
}
