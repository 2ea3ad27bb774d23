/*
 * Lease, commit, finish, jobs and shelter, as a model that Spin searches to its end.
 *
 *   make model      every search that must hold, every break that must be found (model/check.py)
 *
 * Two workers share one Redis. A worker's call of a script is one atomic step here, as it is in Redis;
 * the inline of the same name stands for the script. At each call a worker can
 *
 *   - be killed, or raise for want of an answer: what it knew is gone, what it did stays;
 *   - lose the answer, and send the script again, as redis-py does;
 *   - send the script again while the first copy is still on its way: `late` executes it at any moment
 *     from then on, also when whoever sent it is dead, frozen or far ahead.
 *
 * A frozen worker needs no step of its own: nothing says when a process goes on. The lease runs out at
 * any moment. A task is delivered once, twice, late, or never.
 *
 * What is abstracted away stands in docs/guarantees.md.
 *
 * Macros that choose a search:
 *   JOBS      an operator's discard of two messages, which can be cancelled
 *   AT_ONCE   the job is there from the start; otherwise it is submitted at any moment
 *   UNDOES    (with JOBS) only the undo
 *   SHELTER   live alerts in the target, and Moogsoft, which goes down and comes back
 *   TROUBLES  at most so many faults in a run (kills, lost answers, late copies, doubled tasks, leases
 *             that run out under a living worker), otherwise any number
 *   LIVE      for liveness (with TROUBLES): a resting drain is only taken over when nobody goes on with it
 * Macros that break something on purpose stand where they break it, and in model/check.py.
 */

#define WORKERS 2
#define NOBODY  WORKERS   /* who sent a late copy, when its sender has gone on or is dead */

/* ------------------------------------------------------------------ messages and lists
 * A message is the text that it has: A or B. The second A has the same bytes as the first one, as
 * messages of the pipeline can have. The header's count of replays is told by the list where that
 * matters: FRESH and BACK are both the dead letter queue, BACK holds the replays that came back;
 * LIVE_ALERT and REPLAY are both the target. */
#define TEXTS 2
#define A 0
#define B 1

#define FRESH      0
#define BACK       1
#define LIVE_ALERT 2
#define REPLAY     3
#define DEAD       4
#define TRASH      5
#define OUT        6   /* delivered */
#define LISTS      7
byte at[14];           /* how many: at[list * TEXTS + text] */
byte made[TEXTS];      /* how many the producer has made */

#define AT(list, text) at[(list) * TEXTS + (text)]
#define ANY(list)      (AT(list, A) + AT(list, B) > 0)

/* Safety: each message is in exactly one place. Called in each step that changes a list. */
inline conserved() {
  assert(AT(FRESH, A) + AT(BACK, A) + AT(LIVE_ALERT, A) + AT(REPLAY, A) + AT(DEAD, A) +
    AT(TRASH, A) + AT(OUT, A) == made[A]);
  assert(AT(FRESH, B) + AT(BACK, B) + AT(LIVE_ALERT, B) + AT(REPLAY, B) + AT(DEAD, B) +
    AT(TRASH, B) + AT(OUT, B) == made[B])
}

/* ------------------------------------------------------------------ Redis
 * Ids of cycles and of steps are random in the program. Here they are the least number that nobody
 * holds any more, so that the workers can go on for ever in finitely many states. */
byte lease;            /* mutt:remediation:lease: the token of its holder, 0 for none */
bit  resting;          /* mutt:remediation:drain says `resting`: the drain is between two cycles */

/* The last commit of each kind, in the route's state: CID(name, number), 0 for none. */
#define AS_REPLAY  0
#define AS_SHELTER 1
#define AS_JOB     2
byte last_commit[3];
#define CID(name, number) ((name) * 8 + (number))
#define NAME_OF(cid)      ((cid) / 8)

/* The operator's job, its frozen set {A, B}, and the bitmap of what is done of it. */
#define NO_JOB     0
#define DISCARD    1
#define DISCARDED  2
#define UNDO       3
#define UNDONE     4
byte job;
bit  cancel;
byte done_bits;        /* bit A, bit B */
#define BIT(text) (1 << (text))
#define FROZEN    (BIT(A) | BIT(B))
#define JOB_RUNS  (job == DISCARD || job == UNDO)

/* ------------------------------------------------------------------ the broker: one task
 * Delivered twice, it stays. A late delivery is a worker that took it and does not go on. A second,
 * older task that is still there is not modelled. */
#define NO_TASK 0
#define DRAIN_TASK  1   /* remediate(trigger=drain, cycle) */
#define REPLAY_TASK 2   /* check_moogsoft_health and replay_dlq_batch(cycle) */
byte task;
byte task_cycle;

/* ------------------------------------------------------------------ what workers hold */
byte cycle[WORKERS], token[WORKERS], next_cycle[WORKERS];
/* What it read of mutt:remediation:lease:taken still stands there. The count only grows, so what has
 * become false stays false, and the number itself does not matter. */
bit  is_count_true[WORKERS];

/* ------------------------------------------------------------------ Moogsoft */
#ifdef SHELTER
bit down = true;
#define IS_DOWN down
#else
#define IS_DOWN false
#endif

/* ------------------------------------------------------------------ ghosts: what is only for checking */
byte owner = NOBODY;          /* the worker that took the lease, or passed it on, last */
short owed[WORKERS];          /* commits of this step that took effect, less those it was told of */
short books;                  /* messages that were moved, less what the counters say */
byte taken[TEXTS];            /* what the job took, less what was put back */
byte others;                  /* bit of a text: one of it left the queue otherwise */
bit counted[WORKERS];         /* the cycle that the worker is in is counted */

#ifdef TROUBLES
byte troubles = TROUBLES;
#define TROUBLE   (troubles > 0)
#define TROUBLED  troubles--
#else
#define TROUBLE   true
#define TROUBLED  skip
#endif

/* ------------------------------------------------------------------ late copies
 * One script at a time that was sent and has not arrived. */
#define L_NONE    0
#define L_ACQUIRE 1
#define L_ADVANCE 2
#define L_COMMIT  3
#define L_FINISH  4
#define L_END_JOB 5
byte late, late_who = NOBODY, late_token, late_to, late_number, late_kind, late_from, late_list, late_text;
bit  is_late_count_true;

inline ship(what, to_name, number_in_step, kind, from, list, text) {
  d_step {
    late = what; late_who = me; late_token = token[me]; late_to = to_name; late_number = number_in_step;
    late_kind = kind; late_from = from; late_list = list; late_text = text;
    is_late_count_true = what == L_ACQUIRE && is_count_true[me]
  }
}
inline forget_late() {
  late = L_NONE; late_who = NOBODY; late_token = 0; late_to = 0; late_number = 0;
  late_kind = 0; late_from = 0; late_list = 0; late_text = 0; is_late_count_true = false;
  renumber()
}

/* ------------------------------------------------------------------ names
 * Ids of cycles and steps are only ever compared. So they are numbered anew in the order in which they
 * are held, again and again; what nobody can name any more is forgotten. The workers go on for ever in
 * finitely many states. */
#ifdef BEGINS_AGAIN
#define IS_OVERTAKEN_BEGIN 0
#else
#define IS_OVERTAKEN_BEGIN (now.late == 1 && !now.is_late_count_true)
#endif
c_decl {
  static unsigned char number[256], last_number;

  /* The new number of a name that somebody holds. */
  static unsigned char held(unsigned char name) {
    if (name && !number[name]) number[name] = ++last_number;
    return number[name];
  }
}
inline renumber() {
  c_code {
    int i;
    memset(number, 0, sizeof number);
    last_number = 0;
    now.lease = held(now.lease);
    now.task_cycle = held(now.task_cycle);
    for (i = 0; i < 2; i++) {
      now.cycle[i] = held(now.cycle[i]);
      now.token[i] = held(now.token[i]);
      now.next_cycle[i] = held(now.next_cycle[i]);
    }
#ifndef KEEP_FENCED
    /* A late copy that names a token which nobody has any more will be refused whenever it comes. */
    if ((now.late > 1 && !number[now.late_token] && !number[now.late_to]) ||
      (IS_OVERTAKEN_BEGIN && !number[now.late_to])) {
      now.is_late_count_true = 0;
      now.late = now.late_token = now.late_to = now.late_number = now.late_kind = 0;
      now.late_from = now.late_list = now.late_text = 0;
      now.late_who = 2;
    }
#endif
    now.late_token = held(now.late_token);
    now.late_to = held(now.late_to);
    for (i = 0; i < 3; i++) {
      int name = number[now.last_commit[i] / 8];
      now.last_commit[i] = name ? name * 8 + now.last_commit[i] % 8 : 0;
    }
  }
}
inline fresh(variable) {
  d_step { renumber(); variable = c_expr { last_number + 1 } }
}

/* ------------------------------------------------------------------ when a cycle may begin
 * With the lease taken, a call that begins one is `busy` and changes nothing, so it needs no step. */
#define IN_TARGET (AT(LIVE_ALERT, A) + AT(LIVE_ALERT, B) + AT(REPLAY, A) + AT(REPLAY, B))
#ifdef SHELTER
#define SHELTERS (down && IN_TARGET > 1)   /* the oldest stays: the forwarder tries it */
#else
#define SHELTERS false
#endif
#define MESSAGES_WAIT (ANY(FRESH) || ANY(BACK))
#define WORK (MESSAGES_WAIT || JOB_RUNS || SHELTERS)
#define HAS(who) (cycle[who] == lease || token[who] == lease || next_cycle[who] == lease)
#define NOBODY_GOES_ON (lease != 0 && task_cycle != lease && !HAS(0) && !HAS(1))
#ifdef LIVE
#define MAY_TAKE_OVER (resting && NOBODY_GOES_ON)   /* overdue */
#else
#define MAY_TAKE_OVER resting
#endif
#ifdef NO_WATCH
#define MAY_BEGIN (started == false)
bit started;
#define BEGUN started = true
#else
#define MAY_BEGIN (WORK && (lease == 0 || MAY_TAKE_OVER))
#define BEGUN skip
#endif

/* ------------------------------------------------------------------ the scripts, one step each */
byte answer;
#define YES     1   /* acquired, advanced, moved, finished, ended */
#define AGAIN   2
#define NO      3   /* busy, stale */
#define FENCED  4
#define CHANGED 5
#define OVERTAKEN 6

/* acquire.lua: take the lease for a new cycle; a drain that rests can be taken over. */
inline acquire(who, wanted, is_its_count_true) {
  d_step {
    if
    :: lease == wanted -> answer = YES                 /* the answer to the first try was lost */
#ifndef BEGINS_AGAIN
    :: lease != wanted && !is_its_count_true -> answer = OVERTAKEN
    :: lease != wanted && is_its_count_true && lease != 0 && !MAY_TAKE_OVER -> answer = NO
#else
    :: lease != wanted && lease != 0 && !MAY_TAKE_OVER -> answer = NO
#endif
    :: else ->
       is_count_true[0] = false; is_count_true[1] = false; is_late_count_true = false;
       lease = wanted; resting = false; owner = who; answer = YES
    fi
  }
}

/* advance.lua: pass the lease from one step to the next. */
inline advance(who, from, wanted) {
  d_step {
    if
    :: lease == 0 || (lease != from && lease != wanted) -> answer = NO
    :: else ->
       lease = wanted; resting = false; owner = who; answer = YES
    fi
  }
}

/* commit.lua: move, count and note in one step, once. `text` stands for the batch: all of it moves,
 * or nothing. */
#ifdef LAST_COMMIT_ONLY
#define IS_OVERTAKEN(kind, cid) false
#else
#define IS_OVERTAKEN(kind, cid) \
  (NAME_OF(last_commit[kind]) == NAME_OF(cid) && last_commit[kind] > (cid))
#endif
inline commit(who, kind, its_token, cid, from, list, text) {
  d_step {
    if
#ifndef NO_COMMIT_ID
    :: last_commit[kind] == (cid) -> answer = AGAIN
    :: IS_OVERTAKEN(kind, cid) -> answer = CHANGED
#endif
    :: else ->
       if
#ifndef NO_FENCE
       :: lease != its_token -> answer = FENCED
#endif
#ifndef NO_DIGEST
       :: lease == its_token && AT(from, text) == 0 -> answer = CHANGED
#endif
       :: else ->
          /* Safety: nobody moves without the lease, and no more than one worker moves under it. */
          assert(lease == its_token && (who == NOBODY || owner == who));
          if :: AT(from, text) > 0 -> AT(from, text)-- :: else fi;
          AT(list, text)++;
          books++;
#ifndef COUNT_APART
          books--;
#endif
          last_commit[kind] = cid;
          if :: who != NOBODY -> owed[who]++ :: else fi;
#ifdef JOBS
          if
          :: kind == AS_JOB && list == TRASH ->
             done_bits = done_bits | BIT(text);
             taken[text]++;
             /* Safety: exactly the set that was shown, none twice, and its count is true. */
             assert(taken[text] <= 1)
          :: kind == AS_JOB && list != TRASH -> taken[text]--
          :: kind != AS_JOB && from == FRESH -> others = others | BIT(text)
          :: else
          fi;
#endif
          conserved();
          answer = YES
       fi
    fi
  }
}

/* finish.lua: count the cycle, and let go of the lease or hand it to the drain's next cycle. */
inline finish(who, its_token, wanted) {
  d_step {
    if
    :: wanted != 0 && lease == wanted -> answer = YES  /* the answer to the first try was lost */
#ifndef FINISH_UNFENCED
    :: lease != its_token && !(wanted != 0 && lease == wanted) -> answer = FENCED
#endif
    :: else ->
       /* Safety: a cycle is counted once. */
       if
       :: who != NOBODY -> assert(!counted[who]); counted[who] = true
       :: else
       fi;
       lease = wanted; resting = (wanted != 0); owner = NOBODY; answer = YES
    fi
  }
}

/* end_job.lua: note how a job ends; `gone` are the texts that were not there any more. */
inline end_job(who, its_token, which, is_cancelled, gone) {
  d_step {
    if
    :: job != which -> answer = AGAIN
    :: job == which && lease != its_token -> answer = FENCED
    :: else ->
       /* Safety: a job that is done has done all, or somebody else took it. */
       assert(which != DISCARD || is_cancelled || (done_bits | gone) == FROZEN);
       assert(which != DISCARD || is_cancelled || (done_bits & gone) == 0);
       assert(which != DISCARD || is_cancelled || (gone & ~others) == 0);
       assert(which != UNDO || is_cancelled || !ANY(TRASH));
       job = which + 1; cancel = false; done_bits = 0; others = 0; answer = YES
    fi
  }
}

#ifdef COUNT_APART
/* What a program does that moves first and counts then. */
inline count_moved() { d_step { books--; answer = YES } }
#endif

/* ------------------------------------------------------------------ how a script is called
 * (A request that is lost on its way changes nothing, so it needs no step.) */
#define CALL(EXECUTE, SHIP, HANDLE) \
  do \
  :: atomic { EXECUTE; HANDLE } \
  :: atomic { TROUBLE -> TROUBLED; EXECUTE; answer = 0 } \
  :: atomic { TROUBLE && late == L_NONE -> TROUBLED; SHIP } \
  :: atomic { TROUBLE -> TROUBLED; goto given_up } \
  od

inline publish(what, id) {
  if
  :: atomic { task = what; task_cycle = id; goto idle }
  :: atomic { TROUBLE -> TROUBLED; goto idle }       /* killed before, or the broker is away */
  fi
}
inline take(what) {
  task == what -> cycle[me] = task_cycle;
  if
  :: task = NO_TASK; task_cycle = 0
  :: TROUBLE -> TROUBLED                      /* it will be delivered again */
  fi
}

#define NEXT text = 0; from = 0; list = 0
#if defined(JOBS) || defined(SHELTER)
#define MOST 1       /* commits of one step, or tries of one */
#else
#define MOST 2
#endif
#define MOST_TRIES 3 /* of a job in one cycle */

proctype Worker(byte me) {
  byte n, text, from, list, kind, hunt;
  bit is_cancelled;
idle:
  atomic {
    cycle[me] = 0; token[me] = 0; next_cycle[me] = 0; owed[me] = 0; counted[me] = 0;
    is_count_true[me] = false;
    n = 0; text = 0; from = 0; list = 0; kind = 0; hunt = 0; is_cancelled = false;
    answer = 0;
    if :: late_who == me -> late_who = NOBODY :: else fi;
    d_step { renumber() }
  }
end_idle:
  if
  :: atomic { take(REPLAY_TASK) -> goto replay }
  :: atomic { take(DRAIN_TASK) -> goto resume }
  :: atomic { MAY_BEGIN -> BEGUN; fresh(cycle[me]); is_count_true[me] = true; goto begin }
  fi;

  /* cycle.begin: take the lease, then work on jobs. */
begin:
  CALL(acquire(me, cycle[me], is_count_true[me]), ship(L_ACQUIRE, cycle[me], 0, 0, 0, 0, 0),
    if
    :: answer == YES -> answer = 0; token[me] = cycle[me]; is_count_true[me] = false; break
    :: answer == OVERTAKEN -> answer = 0; is_count_true[me] = true   /* it looks again */
    :: else -> goto idle
    fi);
  goto jobs;

  /* cycle.resume: go on with a drain. Its task may be delivered twice: */
resume:
#ifdef SHARED_RESUME
  token[me] = cycle[me];
  CALL(advance(me, cycle[me], cycle[me]), ship(L_ADVANCE, cycle[me], 0, 0, 0, 0, 0),
    if :: answer == YES -> answer = 0; break :: else -> goto idle fi);
#else
  atomic { fresh(next_cycle[me]); token[me] = cycle[me] };
  CALL(advance(me, cycle[me], next_cycle[me]), ship(L_ADVANCE, next_cycle[me], 0, 0, 0, 0, 0),
    if
    :: answer == YES -> answer = 0; token[me] = next_cycle[me]; next_cycle[me] = 0; break
    :: else -> goto idle
    fi);
#endif

  /* JobWork.run */
jobs:
#ifdef JOBS
  atomic { n = 0; kind = job;
#ifdef NO_DONE_BITS
    hunt = 0
#else
    hunt = done_bits
#endif
  }
job_next:
  atomic {
    /* Safety: what the worker was told is what its commits did. */
    assert(owed[me] == 0);
    if
    :: !(kind == DISCARD || kind == UNDO) -> goto jobs_over
    :: else
    fi;
    is_cancelled = cancel;
    if
    :: is_cancelled -> goto job_ends
    :: else
    fi;
    if
    :: kind == DISCARD && n < MOST_TRIES && !(hunt & BIT(A)) && AT(FRESH, A) > 0 ->
       text = A; from = FRESH; list = TRASH
    :: kind == DISCARD && n < MOST_TRIES && !(hunt & BIT(B)) && AT(FRESH, B) > 0 ->
       text = B; from = FRESH; list = TRASH
    :: kind == UNDO && n < MOST_TRIES && AT(TRASH, A) > 0 -> text = A; from = TRASH; list = FRESH
    :: kind == UNDO && n < MOST_TRIES && AT(TRASH, B) > 0 -> text = B; from = TRASH; list = FRESH
    :: n == MOST_TRIES -> goto jobs_over
    :: else -> goto job_ends
    fi;
    n++
  }
  CALL(commit(me, AS_JOB, token[me], CID(token[me], n), from, list, text),
    ship(L_COMMIT, token[me], n, AS_JOB, from, list, text),
    if
    :: answer == YES || answer == AGAIN -> answer = 0; owed[me]--; hunt = hunt | BIT(text); NEXT; break
    :: answer == CHANGED -> answer = 0; NEXT; break
    :: else -> goto idle
    fi);
  goto job_next;
job_ends:
  CALL(end_job(me, token[me], kind, is_cancelled, FROZEN & ~hunt),
    ship(L_END_JOB, 0, 0, kind, is_cancelled, 0, FROZEN & ~hunt),
    if :: answer == FENCED -> goto idle :: else -> answer = 0; break fi);
jobs_over:
  atomic { n = 0; text = 0; from = 0; list = 0; kind = 0; hunt = 0; is_cancelled = false }
#endif
  if
  :: token[me] == cycle[me]
  :: else ->
     CALL(advance(me, token[me], cycle[me]), ship(L_ADVANCE, cycle[me], 0, 0, 0, 0, 0),
       if :: answer == YES -> answer = 0; break :: else -> goto idle fi)
  fi;
  publish(REPLAY_TASK, cycle[me]);

  /* cycle.replay: pass the lease on to this step, then look, decide, commit. */
/* A route's commits are numbered in the cycle, those of the guard in the step. */
#define COMMIT_NAME ((kind == AS_REPLAY) * cycle[me] + (kind != AS_REPLAY) * token[me])
replay:
#ifdef SHARED_STEP
  token[me] = cycle[me];
  CALL(advance(me, cycle[me], cycle[me]), ship(L_ADVANCE, cycle[me], 0, 0, 0, 0, 0),
    if :: answer == YES -> answer = 0; break :: else -> goto idle fi);
#else
  atomic { fresh(next_cycle[me]); token[me] = cycle[me] };
  CALL(advance(me, cycle[me], next_cycle[me]), ship(L_ADVANCE, next_cycle[me], 0, 0, 0, 0, 0),
    if
    :: answer == YES -> answer = 0; token[me] = next_cycle[me]; next_cycle[me] = 0; break
    :: else -> goto idle
    fi);
#endif
next_batch:
  atomic {
    assert(owed[me] == 0);
    if
    :: n == MOST -> goto end_of_cycle
    /* Guard.step: shelter what stands before the forwarder. */
    :: n < MOST && SHELTERS && AT(LIVE_ALERT, A) > 0 -> kind = AS_SHELTER; from = LIVE_ALERT; list = FRESH; text = A
    :: n < MOST && SHELTERS && AT(LIVE_ALERT, B) > 0 -> kind = AS_SHELTER; from = LIVE_ALERT; list = FRESH; text = B
    :: n < MOST && SHELTERS && AT(REPLAY, A) > 0 -> kind = AS_SHELTER; from = REPLAY; list = FRESH; text = A
    :: n < MOST && SHELTERS && AT(REPLAY, B) > 0 -> kind = AS_SHELTER; from = REPLAY; list = FRESH; text = B
    /* RouteRun.send: replay; what came back is poison. */
    :: n < MOST && !IS_DOWN && AT(FRESH, A) > 0 -> kind = AS_REPLAY; from = FRESH; list = REPLAY; text = A
    :: n < MOST && !IS_DOWN && AT(FRESH, B) > 0 -> kind = AS_REPLAY; from = FRESH; list = REPLAY; text = B
    :: n < MOST && !IS_DOWN && AT(BACK, A) > 0 -> kind = AS_REPLAY; from = BACK; list = DEAD; text = A
    :: n < MOST && !IS_DOWN && AT(BACK, B) > 0 -> kind = AS_REPLAY; from = BACK; list = DEAD; text = B
    :: else -> goto end_of_cycle
    fi;
    n++
  }
  CALL(commit(me, kind, token[me], CID(COMMIT_NAME, n), from, list, text),
    ship(L_COMMIT, COMMIT_NAME, n, kind, from, list, text),
    if
    :: answer == YES || answer == AGAIN -> answer = 0; owed[me]--; NEXT; break
    :: answer == CHANGED -> answer = 0; NEXT; goto next_batch
    :: else -> goto idle
    fi);
#ifdef COUNT_APART
  CALL(count_moved(), skip, answer = 0; break);
#endif
  goto next_batch;

  /* ending.end: the drain goes on while messages wait, or lets go. */
end_of_cycle:
  atomic {
    n = 0; kind = 0; from = 0; list = 0; text = 0;
    if :: MESSAGES_WAIT || SHELTERS -> fresh(next_cycle[me]) :: else fi
  }
  CALL(finish(me, token[me], next_cycle[me]), ship(L_FINISH, next_cycle[me], 0, 0, 0, 0, 0),
    if :: answer == YES && next_cycle[me] != 0 -> answer = 0; break :: else -> goto idle fi);
  publish(DRAIN_TASK, next_cycle[me]);

  /* Killed, or given up after the last try. Safety: lists and counters agree, whatever was killed. */
given_up:
  atomic { assert(books == 0); goto idle }
}

/* ------------------------------------------------------------------ the world */
active proctype Network() {
end:
  do
  :: atomic {
       late != L_NONE ->
       if
       :: late == L_ACQUIRE -> acquire(late_who, late_to, is_late_count_true)
       :: late == L_ADVANCE -> advance(late_who, late_token, late_to)
       :: late == L_COMMIT ->
          commit(late_who, late_kind, late_token, CID(late_to, late_number), late_from, late_list, late_text)
       :: late == L_FINISH -> finish(late_who, late_token, late_to)
#ifdef JOBS
       :: late == L_END_JOB -> end_job(late_who, late_token, late_kind, late_from, late_text)
#endif
       fi;
       answer = 0;
       forget_late()
     }
  od
}

#ifndef NO_EXPIRY
/* The lease's time to live. */
active proctype Expiry() {
end:
  do
#ifdef LIVE
  :: d_step { NOBODY_GOES_ON -> lease = 0; resting = false; owner = NOBODY; renumber() }
#else
  :: d_step { NOBODY_GOES_ON -> lease = 0; resting = false; owner = NOBODY; renumber() }
  :: d_step { TROUBLE && lease != 0 && !NOBODY_GOES_ON -> TROUBLED; lease = 0; resting = false; owner = NOBODY; renumber() }
#endif
  od
}
#endif

#ifdef LIVE
/* Time goes on: so a state in which nobody can do anything is a run that never ends. */
active proctype Clock() {
end:
  do
  :: troubles <= TROUBLES   /* always */
  od
}
#endif

/* The consumer of the target: delivers, or fails and sends back. What was delivered is only told from
 * what lies in the target where that matters. */
inline consume(from_list, text, list) {
  d_step {
    AT(from_list, text) > 0 -> AT(from_list, text)--;
    AT(list, text)++;
    conserved()
  }
}
#ifndef JOBS
active proctype Consumer() {
end:
  do
#ifdef SHELTER
  :: consume(REPLAY, A, OUT)
  :: consume(LIVE_ALERT, A, OUT)
#else
  :: consume(REPLAY, A, BACK)
#ifdef LIVE
  :: consume(REPLAY, A, OUT)
#endif
#endif
  od
}
#endif

#if defined(SHELTER) || defined(JOBS) && !defined(UNDOES)
active proctype Producer() {
#ifdef SHELTER
  d_step { made[A]++; AT(LIVE_ALERT, A)++ }
#else
  d_step { made[A]++; AT(FRESH, A)++ }   /* with the bytes of one in the frozen set */
#endif
}
#endif

#ifdef SHELTER
/* Down from the start, well, and once more. */
active proctype Moogsoft() {
  down = false;
  down = true;
  down = false
}
#endif

#ifdef JOBS
/* The operator: submits the plan that was made at the start (submit.lua), and cancels, or not
 * (cancel.lua; both once for each request). */
active proctype Operator() {
end:
  do
  :: d_step { job == NO_JOB -> job = DISCARD }
  :: d_step { JOB_RUNS && !cancel -> cancel = true }
  od
}
#endif

init {
  atomic {
#ifdef JOBS
    made[A]++; made[B]++;
#ifdef UNDOES
    AT(TRASH, A)++; AT(TRASH, B)++; taken[A]++; taken[B]++;
    job = UNDO;
#else
    AT(FRESH, A)++; AT(FRESH, B)++;
#ifdef AT_ONCE
    job = DISCARD;
#endif
#endif
#elif defined(SHELTER)
    AT(LIVE_ALERT, A)++; made[A]++;
#else
    AT(FRESH, A) = 2; made[A] = 2;
#endif
    run Worker(0);
    run Worker(1)
  }
}

#ifdef JOBS
#define SETTLED (!MESSAGES_WAIT && !JOB_RUNS)
#else
#define SETTLED (!MESSAGES_WAIT && IN_TARGET == 0)
#endif
#ifdef LIVE
/* Liveness, under weak fairness: no message is stuck while a worker keeps living, and a job ends. */
ltl nothing_stuck { <> [] SETTLED }
ltl job_ends { [] (JOB_RUNS -> <> !JOB_RUNS) }
#endif
