import Foundation
import Testing

@testable import Controller

@Suite struct ProcessTableTests {
    @Test func aProcessKnowsItself() throws {
        let entry = try #require(ProcessTable.entry(of: getpid()))
        #expect(entry.pid == getpid())
        #expect(entry.parent == getppid())
        #expect(entry.session == getsid(0))
        #expect(entry.threads > 0)
        #expect(entry.startTicks > 0)
        #expect(entry.isAlive)
        #expect(ProcessTable.all().contains { $0.id == entry.id })
        #expect(!entry.isOfKernel)
        // Numbers end at pid_max, which is no larger than this.
        #expect(ProcessTable.entry(of: 1 << 22 + 1) == nil)
    }

    /// The name of a program may look like the fields behind it.
    @Test func namesAndEnvironmentsAreReadAsTheyAre() async throws {
        let folder = NSTemporaryDirectory() + "processes-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let program = folder + "/x) Z 1 (y"
        try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: program)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        // Longer than anybody waits for it below, however busy the machine is.
        process.arguments = ["3600"]
        process.environment = ["PLACE": "a b=c", "PLACES": "others", "EMPTY": ""]
        try process.run()
        // SIGTERM is blocked where other tests wait for signals, and a process that is started there blocks it too.
        defer { kill(process.processIdentifier, SIGKILL) }
        let pid = process.processIdentifier
        // It has its name before it has its environment.
        try await eventually("it is the program") {
            ProcessTable.entry(of: pid)?.name == "x) Z 1 (y" && ProcessTable.environment(of: pid, "EMPTY") != nil
        }
        let entry = try #require(ProcessTable.entry(of: pid))
        #expect(entry.pid == pid)
        #expect(entry.parent == getpid())
        #expect(entry.isAlive)
        #expect(entry.threads == 1)
        #expect(ProcessTable.environment(of: pid, "PLACE") == "a b=c")
        #expect(ProcessTable.environment(of: pid, "PLACES") == "others")
        #expect(ProcessTable.environment(of: pid, "EMPTY") == "")
        #expect(ProcessTable.environment(of: pid, "LACE") == nil)
        #expect(ProcessTable.environment(of: pid, "PLAC") == nil)
    }

    /// They have no program; the first of them, where it can be seen, starts all others.
    @Test func threadsOfTheKernelAreTold() {
        for entry in ProcessTable.all() where entry.isOfKernel {
            #expect(ProcessTable.read("/proc/\(entry.pid)/cmdline") ?? [] == [], "\(entry)")
        }
        if let first = ProcessTable.entry(of: 2), first.name == "kthreadd" { #expect(first.isOfKernel) }
    }
}
