/* The parts of the HTML page that are the same for every dataflow. */
#ifndef GRAPH_DRAW_PAGE_H
#define GRAPH_DRAW_PAGE_H

extern const char draw_page_style[];  /* CSS */
extern const char draw_page_script[]; /* JavaScript: moving, zooming, and showing what belongs to a node */

#endif
