"""python3 -m listener_1"""

from listener_1.main import main

main()
