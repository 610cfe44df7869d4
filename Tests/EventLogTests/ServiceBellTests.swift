import Foundation
import Lifecycle
import TestKit
import Testing

@testable import EventLog

/// A load balancer hears of what is about its service, and of nothing else.
@Suite struct ServiceBellTests {
    private let temporary = TemporaryHome()

    private func bell(_ service: ServiceName, of controller: ControllerName = .dev) throws -> ServiceBell {
        let bell = ServiceBell(home: temporary.home, controller: controller, service: service)
        try temporary.home.makeDirectory((bell.path as NSString).deletingLastPathComponent)
        return bell
    }

    /// Whether it was rung since it was asked last.
    private func wasRung(_ bell: ServiceBell) throws -> Bool {
        defer { truncate(bell.path, 0) }
        return try FileManager.default.attributesOfItem(atPath: bell.path)[.size] as? Int != 0
    }

    @Test func itRingsForItsOwnServiceAndForWhatIsAboutAll() throws {
        let log = try EventLog(home: temporary.home)
        let (api, chat) = (try bell(.api), try bell(.chat))
        try api.hang()
        try chat.hang()
        try log.given(.up(.api, replicas: 1))
        #expect(try wasRung(api))
        #expect(try !wasRung(chat), "it is not there yet")
        try log.given(.takeOver(process: "a"), .up(.chat, replicas: 1))
        #expect(try wasRung(chat) && wasRung(api))
        try log.given(.down([.chat]))
        #expect(try wasRung(chat))
        #expect(try !wasRung(api), "it is about another")
        try log.given(.setAutostop(.never))
        #expect(try wasRung(chat) && wasRung(api), "it is about the controller, and so about all its services")
        try log.given(.up(.api, replicas: 1), controller: .prod)
        #expect(try !wasRung(api), "it is another's of the same name")
    }

    @Test func whereNobodyListensNothingIsMade() throws {
        let bell = try bell(.api)
        try EventLog(home: temporary.home).given(.up(.api, replicas: 1))
        #expect(access(bell.path, F_OK) != 0)
        try bell.hang()
        #expect(try FileManager.default.attributesOfItem(atPath: bell.path)[.posixPermissions] as? Int == 0o600)
    }

    /// Whoever reads a log that another has taken the place of hears of it.
    @Test func allRingWhenAnotherLogIsPutThere() throws {
        let log = try EventLog(home: temporary.home)
        try log.given(.up(.api, replicas: 1))
        let file = temporary.home.path + "/backup.db"
        _ = try log.backUp(to: file)
        let (api, other) = (try bell(.api), try bell(.chat, of: .prod))
        try api.hang()
        try other.hang()
        try log.queue.close()
        _ = try PreparedRestore(temporary.home, from: file).takePlace()
        #expect(try wasRung(api) && wasRung(other))
    }
}
