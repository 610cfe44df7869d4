/* A controller's life between people, its deadline, its processes and their crashes, small enough to be
   checked in every order of steps. `docs/model/check.py` has spin do so (`make model`); README.md there
   says what stands for what.

   A transaction is one atomic step, for SQLite makes it one. Everything else is not: a process looks, and
   acts on what it saw when that may be true no more; it dies between any two steps. */

#ifndef MISTAKE
#define MISTAKE 0
#endif
#ifndef COMMANDS
#define COMMANDS 4
#endif
#ifndef CRASHES
#define CRASHES 2
#endif

mtype = { ABSENT, STARTING, UP, IDLE, STOPPING, STOPPED }     /* ControllerState.phase */
mtype = { NONE, WANTED, ENDING }                              /* a service */
mtype = { GONE, PENDING, RUNNING, REMOVING }                  /* its replica, as the log has it */
mtype = { FREE, CONTROLLER, KEEPER }                          /* who holds the lease */

/* The log: what is folded from it. */
mtype phase = ABSENT;
mtype service = NONE;
mtype replica = GONE;
bool startAgain = false;
byte generation = 0;      /* stream version of the idle period, and so of its deadline */
byte taker = 0;           /* the controller process that last took over */

/* The world. */
bool due = false;         /* the deadline of this generation has passed */
bool process = false;     /* the replica's process is alive */
mtype lease = FREE;
bool keeperLock = false;
byte controllerLife = 0;  /* which controller process this is; it lives while isControllerAlive */
bool isControllerAlive = false;
byte keeperLife = 0;
bool isKeeperAlive = false;

/* The books: what people were told yes to, and what the laws say of it. */
bool isServiceWanted = false;
bool shouldRun = false;
bool isIdleOpen = false;
byte idleEnds = 0;
byte crashesLeft = CRASHES;
bool peopleAreDone = false;
bool isSettled = false;

#define needsProcess (phase == STARTING || phase == UP || phase == IDLE || phase == STOPPING)
#define isServing (phase == UP || phase == IDLE)
#define isLive (service != NONE)

inline beginIdle() {
    assert(!isIdleOpen);                      /* L5: one at a time */
    phase = IDLE; generation++; due = false; isIdleOpen = true; idleEnds = 0
}

inline endIdle() {
    assert(isIdleOpen && idleEnds == 0);      /* L5: exactly one end */
    isIdleOpen = false; idleEnds++
}

/* What follows by itself: Settle.swift. */
inline settle() {
    if :: isServing && service == WANTED && replica == GONE -> replica = PENDING
       :: !(isServing && service == WANTED) && (replica == PENDING || replica == RUNNING) -> replica = REMOVING
       :: else fi;
    if :: service == ENDING && replica == GONE -> service = NONE
       :: else fi;
    if :: phase == UP && !isLive -> beginIdle()
       :: phase == IDLE && isLive -> endIdle(); phase = UP
       :: else fi;
    if :: isServing && service == WANTED && replica == GONE -> replica = PENDING
       :: else fi
}

/* Commands of people: Decide+Controller.swift, Decide+Service.swift. */

inline ensureStarted() {
    shouldRun = true;
    if :: phase == ABSENT || phase == STOPPED -> phase = STARTING
       :: phase == STOPPING ->
#if MISTAKE == 2
          skip                                /* an order that comes while it stops is swallowed */
#else
          startAgain = true
#endif
       :: else fi
}

inline up() {
    if :: service == NONE -> isServiceWanted = true; ensureStarted(); service = WANTED; settle()
       :: else fi                             /* refused */
}

inline down() {
    if :: service == WANTED -> isServiceWanted = false; service = ENDING; settle()
       :: else fi
}

inline start() { ensureStarted(); settle() }

inline stop() {
    if :: phase == ABSENT -> skip             /* refused */
       :: phase == STOPPED -> shouldRun = false
       :: phase == STOPPING -> shouldRun = false; startAgain = false
       :: else ->
          shouldRun = false;
          if :: phase == IDLE -> endIdle() :: else fi;
          phase = STOPPING; startAgain = false; settle()
    fi
}

inline setAutostop() {
    if :: phase == IDLE -> endIdle(); phase = UP; settle()
       :: else fi
}

/* Every command ends so: ControllerLauncher.ensureRunning. A lease or lock that somebody has is relied on. */
inline ensureRunning() {
    atomic {
        if :: needsProcess && lease == FREE && !keeperLock ->
              keeperLock = true; keeperLife++; isKeeperAlive = true
           :: else fi
    }
}

active proctype People() {
    byte given = 0;
    do
    :: given < COMMANDS ->
       given++;
       atomic {
           if :: true -> up() :: true -> down() :: true -> stop() :: true -> start() :: true -> setAutostop() fi
       };
       /* The command line may be killed here: then it sees to nothing. */
       if :: true -> ensureRunning() :: atomic { crashesLeft > 0 -> crashesLeft-- } fi
    :: given == COMMANDS -> break
    od;
    peopleAreDone = true
}

/* Time passes. */
active proctype Clock() {
end:
    do :: atomic { phase == IDLE && !due -> due = true } od
}

/* SIGKILL, at any moment, of either process or both at once. */
active proctype Crash() {
end:
    do
    :: atomic { crashesLeft > 0 && isControllerAlive ->
                crashesLeft--; isControllerAlive = false; lease = FREE }
    :: atomic { crashesLeft > 0 && isKeeperAlive ->
                crashesLeft--; isKeeperAlive = false; keeperLock = false;
                if :: lease == KEEPER -> lease = FREE :: else fi }
    :: atomic { crashesLeft > 0 && isControllerAlive && isKeeperAlive ->
                crashesLeft--; isControllerAlive = false; isKeeperAlive = false; keeperLock = false; lease = FREE }
    od
}

#define keeperLives (isKeeperAlive && keeperLife == life)

/* Keeper.swift */
active proctype Keeper() {
    byte life = 0;
    bool isNeeded;
end:
    do
    :: atomic { isKeeperAlive && keeperLife != life -> life = keeperLife };
       do
       :: atomic { !keeperLives -> break }
       :: atomic { keeperLives && lease == FREE -> lease = KEEPER };
          if :: atomic { keeperLives -> isNeeded = needsProcess } :: atomic { !keeperLives -> break } fi;
          if
          :: atomic { keeperLives && isNeeded ->
                      lease = CONTROLLER; controllerLife++; isControllerAlive = true }
          :: atomic { keeperLives && !isNeeded -> lease = FREE; keeperLock = false };
             /* An up since that look relied on the lock: look again, without it. */
             if
             :: atomic { keeperLives && needsProcess && !keeperLock -> keeperLock = true }
             :: atomic { keeperLives && (!needsProcess || keeperLock) -> isKeeperAlive = false; break }
             :: atomic { !keeperLives -> break }
             fi
          :: atomic { !keeperLives -> break }
          fi
       od
    od
}

#define lives (isControllerAlive && controllerLife == life)

/* The thread of the controller process that starts another keeper when there is none: Lease.watchKeeper. */
active proctype KeeperWatch() {
end:
    do :: atomic { isControllerAlive && !keeperLock -> keeperLock = true; keeperLife++; isKeeperAlive = true } od
}

/* ControllerProcess.swift, ControllerLoop.swift, Worker.swift */
active proctype Controller() {
    byte life = 0;
    mtype seenPhase, seenReplica;
    byte seenGeneration, seenTaker;
    bool seenDue;
end:
    do
    :: atomic { isControllerAlive && controllerLife != life -> life = controllerLife };
       do
       :: atomic { !lives -> break }
       :: atomic { lives ->
                   seenPhase = phase; seenReplica = replica; seenGeneration = generation; seenDue = due;
                   seenTaker = taker };
          if
          :: atomic { !lives -> break }
          :: atomic { lives && (seenPhase == ABSENT || seenPhase == STOPPED) ->
                      /* The second look, then the end of the process, which frees the lease. */
                      if :: needsProcess -> skip
                         :: else -> isControllerAlive = false; lease = FREE; break
                      fi }
          :: atomic { lives && (seenPhase == STARTING || (seenPhase != ABSENT && seenPhase != STOPPED && seenTaker != life)) ->
                      if :: phase == STARTING -> taker = life; phase = UP; settle()
                         :: needsProcess && phase != STARTING -> taker = life;
#if MISTAKE == 4
                            if :: phase == IDLE -> beginIdle() :: else fi   /* a restart begins the idle time anew */
#endif
                         :: else fi }
          :: atomic { lives && seenTaker == life && seenPhase == IDLE && seenDue ->
                      /* deadlineReached, with the generation that was seen */
#if MISTAKE == 1
                      if :: phase == IDLE || phase == UP ->          /* decided by what was seen */
#elif MISTAKE == 3
                      if :: phase == IDLE ->                         /* whichever deadline it was */
#else
                      if :: phase == IDLE && generation == seenGeneration && due ->
#endif
                            assert(!isLive);                         /* L3 */
                            assert(due);                             /* L4: not before its time */
                            assert(generation == seenGeneration);    /* L5: the deadline that is waited for */
                            endIdle(); phase = STOPPING; startAgain = false; shouldRun = false; settle()
                         :: else fi }
          :: atomic { lives && seenTaker == life && seenReplica == PENDING -> process = true };   /* found by its cookie when it is there already */
             if :: atomic { lives -> if :: replica == PENDING -> replica = RUNNING; settle() :: else fi }
                :: atomic { !lives -> break } fi
          :: atomic { lives && seenTaker == life && seenReplica == REMOVING -> process = false };
             if :: atomic { lives -> if :: replica == REMOVING -> replica = GONE; settle() :: else fi }
                :: atomic { !lives -> break } fi
          :: atomic { lives && seenTaker == life && seenPhase == STOPPING && seenReplica == GONE ->
                      if :: phase == STOPPING && replica == GONE ->
                            assert(!process);                        /* L7 */
                            phase = STOPPED;
                            if :: startAgain -> startAgain = false; phase = STARTING :: else fi
                         :: else fi }
          :: atomic { lives && seenTaker == life && seenPhase != STARTING && seenPhase != ABSENT && seenPhase != STOPPED &&
                      !(seenPhase == IDLE && seenDue) && seenReplica != PENDING && seenReplica != REMOVING &&
                      !(seenPhase == STOPPING && seenReplica == GONE) ->
                      /* Nothing to do: sleep until something changes. */
                      skip };
             if :: atomic { !lives -> break }
                :: (phase != seenPhase || replica != seenReplica || generation != seenGeneration ||
                    due != seenDue || taker != seenTaker)
             fi
          fi
       od
    od
}

/* When nothing moves any more although something should, somebody looks (`dwell status`): a controller whose
   keeper was killed with it needs that. When nothing moves then either, everything has come to pass. */
active proctype Observer() {
    do
    :: atomic { timeout && needsProcess && lease == FREE && !keeperLock -> keeperLock = true; keeperLife++; isKeeperAlive = true }
    :: atomic { timeout && !(needsProcess && lease == FREE && !keeperLock) -> break }
    od;
    atomic {
        assert(peopleAreDone);
        if :: isServiceWanted && shouldRun -> assert(phase == UP && replica == RUNNING && process)   /* L6 */
           :: else fi;
        if :: phase == IDLE -> assert(false)                         /* L4: its deadline has passed */
           :: else fi;
        if :: !isServiceWanted || !shouldRun -> assert(!process && !needsProcess)                    /* L7, L4 */
           :: else fi;
        isSettled = true }
}

ltl settles { <> isSettled }
