import CLinux
import Foundation
import Testing

@testable import Controller

/// Signals are heard from the moment they are asked for.
@Suite(.serialized) struct SignalsTests {
    /// Waits for one tick, or until 5 s are over.
    private func comes(_ ticks: AsyncStream<Void>) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in ticks { return true }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(5))
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    /// As that of a process that is told to end while it is still beginning.
    @Test func oneThatComesAtOnceIsNotLost() async throws {
        for _ in 0..<50 {
            let ticks = try Signals.ticks(of: SIGUSR2)
            kill(getpid(), SIGUSR2)
            #expect(await comes(ticks))
        }
        signal(SIGUSR2, SIG_IGN)
        #expect(Signals.isIgnored(SIGUSR2))
    }
}
