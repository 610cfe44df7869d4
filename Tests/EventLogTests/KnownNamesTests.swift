import EventLog
import Lifecycle
import TestKit
import Testing

/// Names that events are about, for whoever mistypes one.
@Suite struct KnownNamesTests {
    private let temporary = TemporaryHome()

    @Test func anEmptyLogKnowsNobody() throws {
        let log = try EventLog(home: temporary.home)
        let names = try log.knownNames()
        #expect(names.controllers.isEmpty && names.services.isEmpty)
        #expect(try log.knownActors().isEmpty)
        #expect(try log.knownReplicas(of: nil) == nil)
    }

    @Test func whatIsGoneIsKnown() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.up(.chat, replicas: 1), .takeOver(process: "b"), controller: .prod)
        try log.given(.up(.api, replicas: 3), .takeOver(process: "a"), .down([.api]), .terminate(force: true))
        try log.submit(.start, to: .batch, by: Author(actor: "bob@desk", component: "keeper"))
        let names = try log.knownNames()
        #expect(names.controllers == ["batch", "dev", "prod"])
        #expect(names.services == ["api", "chat"])
        #expect(Set(try log.knownActors()) == ["ann@desk", "bob@desk", "cli", "keeper"])
        #expect(try log.knownReplicas(of: "api") == 1...3)
        #expect(try log.knownReplicas(of: "chat") == 1...1)
        #expect(try log.knownReplicas(of: nil) == 1...3)
        #expect(try log.knownReplicas(of: "demo") == nil)
    }

    /// Of what was archived, the controllers and the services that had not gone.
    @Test func whatWasArchivedIsKnown() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.up(.api, replicas: 1), .takeOver(process: "a"))
        _ = try log.archive(beforeMicroseconds: .max, to: temporary.archive, by: .ann)
        #expect(try log.events(after: 0).isEmpty)
        let names = try log.knownNames()
        #expect((names.controllers, names.services) == (["dev"], ["api"]))
        #expect(try log.knownReplicas(of: "api") == nil)
    }
}
