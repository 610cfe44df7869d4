import Foundation
import Testing

@testable import LoadBalancer

/// Replicas that come and go under a running load balancer, and its own end.
@Suite struct RoutesTests {
    // MARK: None

    @Test func thereIsNoReplica() async throws {
        try await Stage.with(replicas: 0) { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
            let text = "service web has no replica that is ready: 1 replica is STARTING\n"
            #expect(body == text)
            let expected = [
                "HTTP/1.1 503 Service Unavailable", "Content-Type: text/plain; charset=utf-8",
                "Content-Length: \(text.utf8.count)", "Retry-After: 1", "Connection: close",
            ]
            #expect(head == expected.joined(separator: "\r\n"))
        }
    }

    @Test func aProgramIsToldInJSON() async throws {
        try await Stage.with(replicas: 0) { stage in
            let client = try await stage.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html, application/JSON\r\n\r\n")
            let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"))
            let members = try JSONDecoder().decode([String: String].self, from: Data(body.utf8))
            let expected = [
                "error": "no_ready_replica", "service": "web",
                "message": "service web has no replica that is ready: 1 replica is STARTING",
            ]
            #expect(members == expected)
        }
    }

    /// There is nothing to wait for: no word of when to ask again.
    @Test func aServiceThatFailedSaysWhy() async throws {
        try await Stage.with(replicas: 0) { stage in
            let failure = "replica 1: `run` exited with code 127"
            stage.balancer.update(
                RoutingTable(service: "web", ready: [], explanation: "1 replica is FAILED", failure: failure))
            let client = try await stage.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n")
            let (head, body) = try #require(try await client.rest().splitOnce("\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n") && !head.contains("Retry-After"))
            let members = try JSONDecoder().decode([String: String].self, from: Data(body.utf8))
            let message = "service web FAILED: \(failure)"
            #expect(members == ["error": "service_failed", "service": "web", "message": message])
        }
    }

    @Test func aHeadRequestIsToldWithoutABody() async throws {
        try await Stage.with(replicas: 0) { stage in
            let client = try await stage.connect()
            try await client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try await client.rest()
            #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    // MARK: Changes

    @Test func aRequestUnderWayEndsWhereItBegan() async throws {
        try await Stage.with(replicas: 2) { stage in
            try await stage.route(to: [stage.replicas[0].route])
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let old = try await stage.replicas[0].accept()
            _ = try await old.head()
            try await old.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            _ = try await client.read(through: "hello")
            try await stage.route(to: [stage.replicas[1].route])
            try await old.send("world")
            try await client.expect("world")
            // The connection is of no more use, and the client's goes on with the new replica.
            #expect(try await old.rest() == "")
            try await client.send(Stage.get)
            let new = try await stage.replicas[1].accept()
            _ = try await new.head()
            try await new.send(Stage.ok)
            try await client.expect(Stage.ok)
            try await stage.untilIdle()
        }
    }

    @Test func connectionsThatWaitAreClosedWithTheirReplica() async throws {
        try await Stage.with(replicas: 2) { stage in
            try await stage.route(to: [stage.replicas[0].route])
            let (client, upstream) = try await stage.warmUp()
            try await stage.route(to: stage.replicas.map(\.route))
            #expect(!upstream.isClosed)
            try await stage.route(to: [stage.replicas[1].route])
            #expect(try await upstream.rest() == "")
            #expect(!client.isClosed)
        }
    }

    @Test func aFirstReplicaIsUsedAtOnce() async throws {
        try await Stage.with { stage in
            try await stage.route(to: [])
            let early = try await stage.connect()
            try await early.send(Stage.get)
            #expect(try await early.rest().hasPrefix("HTTP/1.1 503 "))
            try await stage.route(to: [stage.replica.route])
            _ = try await stage.warmUp()
        }
    }

    @Test func theLeastLoadedReplicaIsChosen() async throws {
        try await Stage.with(replicas: 2) { stage in
            let slow = try await stage.connect()
            try await slow.send(Stage.get)
            let upstream = try await stage.replicas[1].accept()
            _ = try await upstream.head()
            let (client, free) = try await stage.warmUp(stage.replicas[0])
            for _ in 1...3 {
                try await client.send(Stage.get)
                _ = try await free.head()
                try await free.send(Stage.ok)
                try await client.expect(Stage.ok)
            }
            try await upstream.send(Stage.ok)
            try await slow.expect(Stage.ok)
        }
    }

    // MARK: The end

    @Test func aRequestUnderWayIsAnsweredBeforeTheEnd() async throws {
        try await Stage.with { stage in
            let (idle, upstream) = try await stage.warmUp()
            let client = try await stage.connect()
            try await client.send(Stage.post)
            _ = try await upstream.head()
            try await upstream.expect("hello")
            async let end: Void = stage.shutDown(gracePeriodSeconds: 60)
            // Connections without a request are closed at once.
            #expect(try await idle.rest() == "")
            try await upstream.send(Stage.ok)
            #expect(try await client.rest() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            await end
            await #expect(throws: (any Error).self) { try await stage.connect() }
        }
    }

    /// Also when a replica could answer: nothing is begun that might not be finished.
    @Test func whoComesWhileItEndsIsToldSo() async throws {
        try await Stage.with { stage in
            let (idle, upstream) = try await stage.warmUp()
            let client = try await stage.connect()
            try await client.send(Stage.post)
            _ = try await upstream.head()
            async let end: Void = stage.shutDown(gracePeriodSeconds: 60)
            #expect(try await idle.rest() == "")
            let late = try await stage.connect()
            try await late.send(Stage.get)
            let (head, body) = try #require(try await late.rest().splitOnce("\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(body == "service web is being shut down\n")
            // One that says nothing does not keep it.
            let silent = try await stage.connect()
            try await upstream.send(Stage.ok)
            #expect(try await client.rest().hasSuffix("ok"))
            await end
            #expect(try await silent.rest() == "")
        }
    }

    @Test func aRequestThatDoesNotEndIsCutOff() async throws {
        try await Stage.with { stage in
            let client = try await stage.connect()
            try await client.send(Stage.get)
            let upstream = try await stage.replica.accept()
            _ = try await upstream.head()
            await stage.shutDown(gracePeriodSeconds: 0.01)
            #expect(try await client.rest() == "")
            #expect(try await upstream.rest() == "")
        }
    }
}
