import Testing

@testable import Controller

@Suite struct ListeningPortsTests {
    @Test func onlyWhatListensAndIsTheirs() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
               1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
               2: 0100007F:1F92 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
               3: 00000000000000000000000000000000:2328 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4714 1
            nonsense
            """
        #expect(ListeningPorts.parse(table, ["4711", "4713", "4714"]) == [8080, 9000])
        #expect(ListeningPorts.parse("", ["1"]).isEmpty)
    }

    @Test func aVerdictSaysWhereItListensInstead() {
        var verdict = Prober.Verdict(isReady: false, outcome: "connection refused")
        verdict.add(ports: [], besides: 8081)
        verdict.add(ports: [8080, 8081], besides: 8081)
        #expect(verdict.evidence == "connection refused")
        verdict.add(ports: [8080, 9000], besides: 8081)
        #expect(verdict.evidence == "connection refused at port 8081; it listens at 8080, 9000 instead")
        #expect(!verdict.isRefused)
    }
}
