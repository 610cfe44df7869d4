import Lifecycle

extension Laws.Lives.Controller {
    mutating func see(_ event: Event, _ now: Int64) throws(Violation) {
        switch event {
        case .controllerStarting(let event):
            incarnation += isOver ? 1 : 0
            guard event.incarnation == incarnation else {
                throw Violation(law: "status", what: "life \(event.incarnation) begins, and it is \(incarnation)")
            }
            (startAskedAt, isHeldBack, recoveries, process) = (now, event.heldUntil != nil, 0, nil)
            (isOver, reason) = (false, .byHand)
        case .controllerStartDue: (startAskedAt, isHeldBack, process) = (now, false, nil)
        case .controllerStarted(let event):
            guard event.tookMicroseconds == max(0, now - startAskedAt) else {
                throw Violation(law: "status", what: "its start took other than \(event.tookMicroseconds) us")
            }
            process = event.process
        case .controllerStartFailed: isHeldBack = false
        case .controllerRecovered(let event):
            guard event.previous == process, event.process != process else {
                throw Violation(law: "status", what: "\(event.process) takes over from \(event.previous ?? "nobody")")
            }
            recoveries += isHeldBack ? 0 : 1
            process = event.process
        case .controllerStopping(let event): (isHeldBack, reason) = (false, event.reason)
        case .controllerStopped(let event):
            guard event.reason == reason else {
                throw Violation(law: "status", what: "it is stopped for another reason than \(reason.rawValue)")
            }
            process = nil
        case .controllerTerminating: isHeldBack = false
        case .controllerTerminated: (isOver, process) = (true, nil)
        default: break
        }
    }

    func check(_ state: ControllerState) throws(Violation) {
        guard state.recoveries == recoveries else {
            throw Violation(law: "status", what: "\(state.recoveries) processes were replaced, not \(recoveries)")
        }
        guard state.process == process || state.status == .failed else {
            throw Violation(law: "status", what: "\(state.process ?? "nobody") serves, not \(process ?? "nobody")")
        }
    }
}
