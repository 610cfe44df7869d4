import Lifecycle

// What goes wrong.

extension Simulator {
    /// A controller process, its keeper, or both are killed.
    mutating func crash(_ controller: ControllerName, _ random: inout SeededGenerator) {
        let what = random.below(4)
        if strays[controller] != nil, random.chance(30) {
            endStray(controller)
            return
        }
        if what != 1 {
            processes[controller] = nil
            note("the process of \(controller) is killed")
        }
        if what == 1 || what == 2 {
            keepers.remove(controller)
            note("the keeper of \(controller) is killed")
            // The controller process waits on the keeper lock, and starts another.
            if processes[controller] != nil, random.chance(80) { keepers.insert(controller) }
        }
    }

    /// Somebody sets the wall clock.
    mutating func jump(_ random: inout SeededGenerator) {
        let seconds = random.pick([1, 60, 3600, 43_200, 86_400, -1, -60, -3600, -43_200, -86_400] as [Int64])
        clock.jump(seconds * 1_000_000)
        note("the wall clock jumps by \(seconds) s")
        for controller in controllers {
            processes[controller]?.isAwake = true
            strays[controller]?.isAwake = true
        }
    }

    mutating func reboot(_ random: inout SeededGenerator) {
        // Its clock may be past where the one of the boot before was.
        let up = random.pick([10, 10, 600] as [Int64])
        clock.reboot(offMicroseconds: Int64(random.below(7200)) * 1_000_000, upMicroseconds: up * 1_000_000)
        machine.reboot()
        processes = [:]
        strays = [:]
        keepers = []
        note("the machine is booted again")
    }

    /// A replica or a load balancer dies, hangs or recovers by itself.
    mutating func mishap(_ controller: ControllerName, _ random: inout SeededGenerator) {
        if random.chance(25) {
            let keys = machine.loadBalancers.keys.filter { $0.controller == controller }
                .sorted { $0.reference.generation < $1.reference.generation }
            guard !keys.isEmpty else { return }
            machine.loadBalancers[random.pick(keys)] = nil
            note("a load balancer of \(controller) dies")
            return
        }
        let keys = machine.replicas.keys.filter { $0.controller == controller }
            .sorted { ($0.replica.service, $0.replica.id) < ($1.replica.service, $1.replica.id) }
        guard !keys.isEmpty else { return }
        let key = random.pick(keys)
        if random.chance(40) {
            machine.replicas[key]?.isHung.toggle()
            note("replica \(key.replica.id) of \(key.replica.service) hangs, or no longer does")
        } else if machine.replicas[key]?.resistance == 0 {
            machine.end(key)
            machine.endings[key] =
                random.chance(70) ? .exited(code: random.pick([0, 1, 2, 127]), stage: .run) : .vanished
            note("replica \(key.replica.id) of \(key.replica.service) dies")
        }
    }
}
